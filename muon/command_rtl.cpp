// `bunch-muon rtl` and `bunch-muon verify`: an ONNX file to SystemVerilog, and whether it computes
// the same.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "muon/commands.h"
#include "muon/parallel.h"
#include "muon/progress.h"
#include "muon/quantised/onnx_file.h"
#include "muon/rtl/verify.h"
#include "muon/sample_file.h"

namespace bunch::muon {
namespace {

struct Options {
    std::string model, folder, sample;
    std::size_t vectors = 100'000;
    std::uint64_t seed = 1;
    unsigned stalls = 20;
    bool area = false;
};

struct Loaded {
    IntegerNetwork network;
    std::string identity;
};

Result<Loaded> load(const std::string& path) {
    BUNCH_ASSIGN_OR_RETURN(IntegerNetwork network, read_onnx(path));
    std::string identity = hash_of(onnx_bytes(network));
    return Loaded{std::move(network), std::move(identity)};
}

Status rtl_command(const Options& options) {
    BUNCH_ASSIGN_OR_RETURN(const Loaded loaded, load(options.model));
    const Rtl rtl = make_rtl(loaded.network, loaded.identity);
    BUNCH_RETURN_IF_ERROR(write_rtl(options.folder, rtl));
    fmt::print("{}: latency {} clocks, {} adders, {} bits of registers as written\n",
               options.folder, rtl.latency, rtl.adders, rtl.register_bits);
    if (!options.area) return ok_status();
    Progress bar("yosys, synth_xilinx -family xcup");
    const auto area = area_of(options.folder, rtl);
    bar.end(area.ok() ? "done" : "failed");
    if (!area.ok()) return area.status();
    fmt::print(
        "{} LUT, {} FF, {} DSP, {} BRAM; longest path between registers {} LUT + {} CARRY4\n",
        area->luts, area->flip_flops, area->dsps, area->block_rams, area->lut_levels,
        area->carry_levels);
    return ok_status();
}

/// The sample's fields, repeated until there are enough.
Result<std::vector<std::int32_t>> vectors_of(const Options& options, Task task) {
    const bool pair = task == Task::pair;
    const std::size_t columns = input_count(task, Encoding::raw);
    BUNCH_ASSIGN_OR_RETURN(auto fields, read_integers(options.sample + (pair ? "/pairs/fields.npy"
                                                                             : "/muons/fields.npy"),
                                                      columns));
    const std::size_t rows = fields.size() / columns;
    for (std::size_t row = rows; row < options.vectors; ++row)
        for (std::size_t i = 0; i < columns; ++i)
            fields.push_back(fields[(row - rows) * columns + i]);
    fields.resize(options.vectors * columns);
    return fields;
}

void print(const std::string& name, const BenchResult& result) {
    fmt::print("{:<34} {} of {} vectors returned, {} differ, {} clocks, {:.2f} M/s\n", name,
               result.returned, result.vectors, result.mismatches, result.clocks,
               static_cast<double>(result.returned) / result.seconds / 1e6);
}

/// unless all came back unchanged.
Status demand(const std::string& what, const BenchResult& result) {
    print(what, result);
    if (result.returned == result.vectors && result.mismatches == 0) return ok_status();
    return internal_error(fmt::format("{}: {} of {} vectors returned, {} differ from the integers",
                                      what, result.returned, result.vectors, result.mismatches));
}

Status verify_crossings(RtlBench& bench, const Loaded& loaded, const Options& options,
                        std::span<const std::int32_t> fields,
                        std::span<const std::int32_t> expected) {
    for (const auto& [mode, clocks] : {std::pair("full", 8U), std::pair("crossings", 6U)}) {
        BUNCH_ASSIGN_OR_RETURN(
            const BenchResult result,
            bench.run(loaded.network, fields, expected, {mode, options.seed, 0, clocks}));
        BUNCH_RETURN_IF_ERROR(
            demand(fmt::format("{} at {} MHz",
                               mode == std::string("full") ? "8 muons per crossing"
                                                           : "0 to 8 muons per crossing",
                               clocks * 40),
                   result));
        fmt::print("  {} crossings at 40 MHz, nothing dropped; at most {} muons waited\n",
                   result.crossings, result.most_waiting);
    }
    return ok_status();
}

Status verify_command(const Options& options) {
    BUNCH_ASSIGN_OR_RETURN(const Loaded loaded, load(options.model));
    BUNCH_ASSIGN_OR_RETURN(const RtlManifest manifest,
                           read_manifest(options.folder, loaded.identity));
    BUNCH_ASSIGN_OR_RETURN(const auto fields, vectors_of(options, loaded.network.task));
    const auto expected = run_fields(loaded.network, fields, core_count());
    Progress bar("verilator");
    auto bench =
        RtlBench::build(options.folder + "/verilated", make_rtl(loaded.network, loaded.identity));
    bar.end(bench.ok() ? "built" : "failed");
    if (!bench.ok()) return bench.status();
    BUNCH_ASSIGN_OR_RETURN(const BenchResult plain, bench->run(loaded.network, fields, expected,
                                                               {"stream", options.seed, 0, 8}));
    BUNCH_RETURN_IF_ERROR(demand("a sample per clock", plain));
    fmt::print("  latency {} clocks, {} with the stream's queue\n", manifest.latency,
               plain.latency_with_queue);
    BUNCH_ASSIGN_OR_RETURN(
        const BenchResult stalled,
        bench->run(loaded.network, fields, expected, {"stream", options.seed, options.stalls, 8}));
    BUNCH_RETURN_IF_ERROR(
        demand(fmt::format("stalled {} % on each side", options.stalls), stalled));
    BUNCH_RETURN_IF_ERROR(verify_crossings(*bench, loaded, options, fields, expected));
    const auto changed = run_fields(with_one_weight_changed(loaded.network), fields, core_count());
    BUNCH_ASSIGN_OR_RETURN(const BenchResult control, bench->run(loaded.network, fields, changed,
                                                                 {"stream", options.seed, 0, 8}));
    print("negative control: a weight changed", control);
    if (control.mismatches > 0) return ok_status();
    return internal_error("a changed weight was not noticed: these vectors prove nothing");
}

}  // namespace

void add_rtl_command(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand("rtl", "SystemVerilog of an exported network");
    command->add_option("model", options->model, "ONNX file of 'bunch-muon export'")->required();
    command->add_option("--out", options->folder, "Folder for the .sv files and manifest.json")
        ->required();
    command->add_flag("--area", options->area, "Have Yosys count LUTs, registers and levels");
    command->callback([options, &chosen] { chosen = [options] { return rtl_command(*options); }; });
}

void add_verify_command(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand(
        "verify", "Runs the RTL in Verilator against the integers: plain, stalled, per crossing");
    command->add_option("rtl", options->folder, "Folder of 'bunch-muon rtl'")->required();
    command->add_option("--model", options->model, "ONNX file it was made of")->required();
    command->add_option("--sample", options->sample, "Folder of 'bunch-muon generate'")->required();
    command->add_option("--vectors", options->vectors, "Of each run")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    command->add_option("--stalls", options->stalls, "Percent of clocks")->capture_default_str();
    command->add_option("--seed", options->seed, "Of the stalls")->capture_default_str();
    command->callback(
        [options, &chosen] { chosen = [options] { return verify_command(*options); }; });
}

}  // namespace bunch::muon
