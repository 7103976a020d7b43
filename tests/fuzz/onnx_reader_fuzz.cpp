// Model files from nobody knows where: read, simplified, described.
#include <cstddef>
#include <cstdint>
#include <span>

#include "backends/graph/onnx_reader.h"
#include "backends/graph/passes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    auto graph = bunch::parse_onnx(std::as_bytes(std::span(bytes, size)), {});
    if (!graph.ok()) return 0;
    bunch::simplify(*graph);
    BUNCH_CHECK(bunch::signature_of(*graph).ok());
    return 0;
}
