#include "muon/rtl/verify.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>

#include "muon/rtl/stream_text.h"
#include "muon/rtl/verilator_folder.h"
#include "muon/sample_file.h"

namespace bunch::muon {
namespace {

using Words = std::array<std::uint32_t, 4>;

/// Numbers packed from the lowest bit on.
class Packer {
  public:
    void add(std::int32_t value, int bits) {
        for (int bit = 0; bit < bits; ++bit, ++at_)
            words_[at_ / 32] |= (static_cast<std::uint32_t>(value) >> bit & 1U) << at_ % 32;
    }
    void write_to(std::string& bytes) const {
        bytes.append(reinterpret_cast<const char*>(words_.data()), sizeof(words_));
    }

  private:
    Words words_{};
    std::size_t at_ = 0;
};

std::string packed_inputs(std::span<const std::int32_t> fields, std::size_t columns) {
    std::string bytes;
    for (std::size_t row = 0; row < fields.size(); row += columns) {
        Packer packer;
        for (std::size_t i = 0; i < columns; ++i)
            packer.add(fields[row + i], kFieldBits[i % kMuonFields]);
        packer.write_to(bytes);
    }
    return bytes;
}

std::string packed_results(std::span<const std::int32_t> results, Task task) {
    std::string bytes;
    for (std::size_t i = 0; i < results.size(); i += output_count(task)) {
        Packer packer;
        packer.add(results[i], 12);
        if (task == Task::recalibration) {
            packer.add(results[i + 1], 12);
            packer.add(results[i + 2], 9);
        }
        packer.write_to(bytes);
    }
    return bytes;
}

}  // namespace

nlohmann::json json_of(const BenchResult& result) {
    return {{"vectors", result.vectors},
            {"returned", result.returned},
            {"mismatches", result.mismatches},
            {"clocks", result.clocks},
            {"latency_with_queue", result.latency_with_queue},
            {"crossings", result.crossings},
            {"most_waiting", result.most_waiting},
            {"seconds", result.seconds}};
}

nlohmann::json json_of(const Area& area) {
    return {{"luts", area.luts},
            {"flip_flops", area.flip_flops},
            {"dsps", area.dsps},
            {"block_rams", area.block_rams},
            {"lut_levels", area.lut_levels},
            {"carry_levels", area.carry_levels}};
}

Status judge(const std::string& what, const BenchSettings& settings, const BenchResult& result,
             int latency) {
    if (result.returned != result.vectors || result.mismatches != 0)
        return internal_error(
            fmt::format("{}: {} of {} vectors returned, {} differ from the integers", what,
                        result.returned, result.vectors, result.mismatches));
    if (settings.room > 0 && result.most_waiting > settings.room)
        return internal_error(
            fmt::format("{}: {} muons waited at a time, there is room for {}: the others are lost",
                        what, result.most_waiting, settings.room));
    const bool plain = settings.mode == "stream" && settings.stall_percent == 0;
    const auto wanted = static_cast<std::size_t>(latency) + 1;
    if (!plain || result.latency_with_queue == wanted) return ok_status();
    return internal_error(fmt::format("{}: the first result came after {} clocks, not after {}",
                                      what, result.latency_with_queue, wanted));
}

Result<RtlBench> RtlBench::build(const Rtl& rtl) {
    BUNCH_ASSIGN_OR_RETURN(ScratchFolder scratch, verilator_folder());
    const std::string& folder = scratch.path();
    BUNCH_RETURN_IF_ERROR(write_rtl(folder, rtl));
    BUNCH_RETURN_IF_ERROR(write_text(folder + "/bench.cpp", bench_text()));
    const std::string command = fmt::format(
        "cd {} && verilator --cc --exe --build -O3 --x-assign fast --noassert -Wno-WIDTH "
        "--top-module muon_stream --Mdir obj -CFLAGS '-O2 -std=c++20' -o bench muon_stream.sv "
        "muon_core.sv bench.cpp",
        quoted(folder));
    BUNCH_RETURN_IF_ERROR(output_of(command).status());
    return RtlBench(std::move(scratch));
}

Result<BenchResult> RtlBench::run(const IntegerNetwork& network,
                                  std::span<const std::int32_t> fields,
                                  std::span<const std::int32_t> expected,
                                  const BenchSettings& settings) {
    const std::size_t columns = input_count(network.task, Encoding::raw);
    const std::string& folder = folder_.path();
    const std::string inputs = folder + "/inputs.bin", results = folder + "/expected.bin";
    BUNCH_RETURN_IF_ERROR(write_text(inputs, packed_inputs(fields, columns)));
    BUNCH_RETURN_IF_ERROR(write_text(results, packed_results(expected, network.task)));
    const auto begin = std::chrono::steady_clock::now();
    BUNCH_ASSIGN_OR_RETURN(
        const std::string text,
        output_of(fmt::format("{} {} {} {} {} {} {}", quoted(folder + "/obj/bench"), settings.mode,
                              quoted(inputs), quoted(results), settings.seed,
                              settings.stall_percent, settings.clocks_per_crossing)));
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    std::filesystem::remove(inputs);
    std::filesystem::remove(results);
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object()) return internal_error("the test bench said '" + text + "'");
    BenchResult result;
    const auto read = [&](const char* name, std::size_t& to) { to = json.value(name, to); };
    read("vectors", result.vectors);
    read("returned", result.returned);
    read("mismatches", result.mismatches);
    read("clocks", result.clocks);
    read("latency_with_queue", result.latency_with_queue);
    read("crossings", result.crossings);
    read("most_waiting", result.most_waiting);
    result.seconds = seconds.count();
    return result;
}

Result<IntegerNetwork> with_one_weight_changed(const IntegerNetwork& network,
                                               std::span<const std::int32_t> fields) {
    constexpr std::size_t kEnough = 4096;
    const std::size_t columns = input_count(network.task, Encoding::raw);
    const auto few = fields.first(std::min(fields.size(), kEnough * columns));
    const auto right = run_fields(network, few);
    IntegerNetwork changed = network;
    for (std::size_t l = changed.layers.size(); l-- > 0;)
        for (std::int32_t& weight : changed.layers[l].weights) {
            const std::int32_t kept = weight;
            if (kept == 0) continue;
            weight += kept > 1 ? -1 : 1;
            if (run_fields(changed, few) != right) return changed;
            weight = kept;
        }
    return invalid_argument(
        fmt::format("no change of one weight alters a result of the first {} vectors: they prove "
                    "nothing; take other vectors, or train the network with less sparsity",
                    few.size() / columns));
}

Result<Area> area_of(const std::string& folder, const Rtl& rtl) {
    BUNCH_RETURN_IF_ERROR(need_program("yosys"));
    const std::string absolute = std::filesystem::absolute(folder).string();
    BUNCH_RETURN_IF_ERROR(write_rtl(absolute, rtl));
    const std::string script =
        "read_verilog -sv muon_core.sv; synth_xilinx -family xcup -flatten -noiopad -top "
        "muon_core; "
        "write_json netlist.json";
    BUNCH_RETURN_IF_ERROR(
        output_of(fmt::format("cd {} && yosys -q -p '{}'", quoted(absolute), script)).status());
    BUNCH_ASSIGN_OR_RETURN(const std::string netlist, read_text(absolute + "/netlist.json"));
    std::filesystem::remove(absolute + "/netlist.json");
    return area_of_netlist(netlist);
}

}  // namespace bunch::muon
