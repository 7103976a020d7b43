/// Runs generated RTL in Verilator against the network of integers, and has Yosys count what it
/// would take of an FPGA. Both are programs that are started; nothing of them is linked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "muon/quantised/integer_network.h"
#include "muon/rtl/generator.h"
#include "muon/rtl/programs.h"
#include "muon/scratch_folder.h"

namespace bunch::muon {

/// Samples that may wait before the stream without being lost: all muons of a crossing where eight
/// clocks are enough for them, more where only the mean of the crossings fits.
inline constexpr std::size_t kRoomAtFull = 8;
inline constexpr std::size_t kRoomAtMixed = 64;

struct BenchSettings {
    std::string mode = "stream";  ///< or "crossings" (0 to 8 muons each), "full" (always 8)
    std::uint64_t seed = 1;
    unsigned stall_percent = 0;  ///< of the clocks, on each side
    unsigned clocks_per_crossing = 8;
    std::size_t room = 0;  ///< samples that may wait before the stream; 0: any number
};

struct BenchResult {
    std::size_t vectors = 0;
    std::size_t returned = 0;
    std::size_t mismatches = 0;
    std::size_t clocks = 0;
    std::size_t latency_with_queue = 0;
    std::size_t crossings = 0;
    std::size_t most_waiting = 0;  ///< samples before the stream at a time
    double seconds = 0;
};

/// internal unless all samples came back unchanged, no more of them waited than there was room for,
/// and, where nothing stalls, the first after `latency` clocks and one in the queue.
Status judge(const std::string& what, const BenchSettings& settings, const BenchResult& result,
             int latency);

/// A Verilated muon_stream, compiled once into a temporary folder.
class RtlBench {
  public:
    /// Of the texts that `rtl` has. unavailable without verilator or a folder that it can work in;
    /// internal with what Verilator said if it refuses the text.
    static Result<RtlBench> build(const Rtl& rtl);

    /// Fields [N][5] or [N][10]; `expected` as run_fields() gives it.
    Result<BenchResult> run(const IntegerNetwork& network, std::span<const std::int32_t> fields,
                            std::span<const std::int32_t> expected, const BenchSettings& settings);

  private:
    explicit RtlBench(ScratchFolder folder) : folder_(std::move(folder)) {}
    ScratchFolder folder_;
};

/// The network with one weight changed, the first of the last layer, or else of those before, whose
/// change alters what `fields` give: RTL of it must be found out. invalid_argument if none does.
Result<IntegerNetwork> with_one_weight_changed(const IntegerNetwork& network,
                                               std::span<const std::int32_t> fields);

nlohmann::json json_of(const BenchResult& result);

struct Area {
    std::size_t luts = 0;
    std::size_t flip_flops = 0;
    std::size_t dsps = 0;
    std::size_t block_rams = 0;
    std::size_t lut_levels = 0;    ///< on the longest path between registers, with
    std::size_t carry_levels = 0;  ///< these CARRY4 on the same path
};

nlohmann::json json_of(const Area& area);

/// muon_core by `synth_xilinx -family xcup -flatten`. unavailable without yosys. Takes a minute.
Result<Area> area_of(const std::string& folder, const Rtl& rtl);

/// The same of a netlist that Yosys wrote as JSON, module muon_core.
Result<Area> area_of_netlist(const std::string& json);

}  // namespace bunch::muon
