// Model files from nobody knows where: read, planned as far as they can be, run on made-up inputs
// to find shapes, and followed for rows, as a runner does at load. Memory and time are held low so
// that findings are quick.
#include <cstddef>
#include <cstdint>
#include <span>

#include "backends/cpu/model_probe.h"
#include "backends/cpu/threads.h"
#include "backends/graph/integer_layers.h"
#include "backends/graph/lowering.h"
#include "backends/graph/operator_graph.h"
#include "backends/graph/passes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const auto graph =
        bunch::parse_operator_graph(std::as_bytes(std::span(bytes, size)), {}, 1 << 16);
    if (!graph.ok()) return 0;
    if (auto planned = bunch::lower(*graph); planned.ok()) {
        bunch::simplify(*planned);
        BUNCH_CHECK(bunch::signature_of(*planned).ok());
    }
    if (auto rounded = bunch::lower(*graph, true); rounded.ok()) {
        bunch::simplify(*rounded);
        bunch::find_integer_layers(*rounded);
    }
    bunch::cpu::use_one_thread();
    bunch::cpu::InterpreterOptions options;
    options.memory_limit = 1 << 20;
    options.fast = false;
    const auto probe = bunch::cpu::probe_model(*graph, options);
    BUNCH_CHECK(probe.ok() || !probe.status().message().empty());
    return 0;
}
