// Values on grids: who rounds, and who keeps a grid.
#include <algorithm>
#include <utility>
#include <variant>

#include "backends/graph/passes.h"

namespace bunch {
namespace {

// The Identity `node`, which rounds, becomes part of the node that computes what it reads.
bool merge_rounding(Graph& graph, const Node& node) {
    if (!std::holds_alternative<Identity>(node.op) || !graph.at(node.output).grid) return false;
    if (graph.at(node.inputs[0]).grid) return false;
    Node* producer = sole_producer(graph, node.inputs[0]);
    if (producer == nullptr) return false;
    producer->output = node.output;
    return true;
}

bool keeps_elements(const Node& node) {
    if (const auto* pool = std::get_if<Pool>(&node.op)) return pool->kind == Pool::Kind::max;
    return std::holds_alternative<Reshape>(node.op) || std::holds_alternative<Transpose>(node.op) ||
           std::holds_alternative<Concat>(node.op) || std::holds_alternative<Identity>(node.op);
}

}  // namespace

void settle_grids(Graph& graph) {
    for (std::size_t i = 0; i < graph.nodes.size();) {
        if (merge_rounding(graph, graph.nodes[i]))
            graph.nodes.erase(graph.nodes.begin() + static_cast<std::ptrdiff_t>(i));
        else
            ++i;
    }
    for (const Node& node : graph.nodes) {
        const std::optional<Grid> grid = graph.at(node.inputs[0]).grid;
        std::optional<Grid>& own = graph.at(node.output).grid;
        const auto same = [&](ValueId id) { return graph.at(id).grid == grid; };
        if (keeps_elements(node) && !own &&
            std::all_of(node.inputs.begin(), node.inputs.end(), same))
            own = grid;
    }
}

}  // namespace bunch
