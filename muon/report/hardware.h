/// What becomes of compressed networks outside this program: the ONNX file on the CPU runner, the
/// RTL in Verilator, its cells by Yosys. Programs that are missing are named instead.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "muon/quantised/integer_network.h"
#include "muon/rtl/verify.h"

namespace bunch::muon {

struct BenchRun {
    std::string what;
    BenchResult result;
    std::size_t room = 0;  ///< for samples that wait before the stream; 0: any number
};

/// The RTL of one seed's network.
struct Synthesis {
    std::string identity;
    int latency = 0;           ///< clocks
    std::size_t adders = 0;    ///< before synthesis
    std::optional<Area> area;  ///< empty without yosys
};

struct Hardware {
    std::vector<Synthesis> seeds;            ///< the first one ran on what follows
    std::optional<std::size_t> cpu_differs;  ///< of `vectors`, on the CPU runner
    std::optional<std::size_t> cpu_control;  ///< the same against a network with one weight changed
    std::size_t vectors = 0;
    std::vector<BenchRun> benches;       ///< empty without verilator
    std::optional<BenchResult> control;  ///< with one weight changed
    std::vector<std::string> missing;    ///< sentences
};

/// Of one task's networks, one of each seed, at least one: ONNX and RTL of each into `folder`
/// (those of the second seed are called like the first's with `_seed_2` behind). `vectors` fields:
/// those given, then random ones that the wires can carry. internal if anything differs that must
/// be equal.
Result<Hardware> try_hardware(const std::string& folder,
                              const std::vector<IntegerNetwork>& networks,
                              std::vector<std::int32_t> fields, std::size_t vectors,
                              unsigned threads);

}  // namespace bunch::muon
