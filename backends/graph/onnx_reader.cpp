#include "backends/graph/onnx_reader.h"

#include "backends/graph/lowering.h"
#include "backends/graph/operator_graph.h"

namespace bunch {

Result<Graph> parse_onnx(std::span<const std::byte> bytes, const std::filesystem::path& folder) {
    BUNCH_ASSIGN_OR_RETURN(const OperatorGraph operators, parse_operator_graph(bytes, folder));
    return lower(operators);
}

Result<Graph> read_onnx(const std::filesystem::path& path) {
    BUNCH_ASSIGN_OR_RETURN(const OperatorGraph operators, read_operator_graph(path));
    Result<Graph> graph = lower(operators);
    if (!graph.ok()) return graph.status().with_context(path.string());
    return graph;
}

}  // namespace bunch
