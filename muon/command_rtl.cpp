// `bunch-muon rtl` and `bunch-muon verify`: an ONNX file to SystemVerilog, and whether it computes
// the same.
#include <fmt/format.h>

#include <array>
#include <memory>
#include <nlohmann/json.hpp>

#include "muon/commands.h"
#include "muon/evaluation.h"
#include "muon/parallel.h"
#include "muon/progress.h"
#include "muon/quantised/onnx_file.h"
#include "muon/records.h"
#include "muon/rtl/verify.h"
#include "muon/sample_file.h"
#include "muon/vectors.h"

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
    nlohmann::json record = {
        {"settings",
         {{"model", options.model}, {"network", loaded.identity}, {"area", options.area}}},
        {"results",
         {{"latency_clocks", rtl.latency},
          {"adders", rtl.adders},
          {"register_bits", rtl.register_bits}}}};
    if (options.area) {
        Progress bar("yosys, synth_xilinx -family xcup");
        const auto area = area_of(options.folder, rtl);
        bar.end(area.ok() ? "done" : "failed");
        if (!area.ok()) return area.status();
        fmt::print(
            "{} LUT, {} FF, {} DSP, {} BRAM; longest path between registers {} LUT + {} CARRY4\n",
            area->luts, area->flip_flops, area->dsps, area->block_rams, area->lut_levels,
            area->carry_levels);
        record["results"]["area"] = json_of(*area);
    }
    return write_text(options.folder + "/rtl.json", record.dump(2) + "\n");
}

/// What the wires cannot carry cannot be compared, either.
Status on_wires(const std::string& path, std::span<const std::int32_t> fields,
                std::size_t columns) {
    constexpr std::array<const char*, kMuonFields> kNames = {"phi", "eta", "pt", "charge",
                                                             "quality"};
    for (std::size_t i = 0; i < fields.size(); ++i) {
        const std::size_t field = i % kMuonFields;
        if (fields[i] < kLowestField[field] || fields[i] > kHighestField[field])
            return invalid_argument(fmt::format("'{}', row {}: {} {} is beyond its wires, {} to {}",
                                                path, i / columns, kNames[field], fields[i],
                                                kLowestField[field], kHighestField[field]));
    }
    return ok_status();
}

/// The sample's fields, then random ones until there are enough.
Result<std::vector<std::int32_t>> vectors_of(const Options& options, Task task) {
    const bool pair = task == Task::pair;
    const std::size_t columns = input_count(task, Encoding::raw);
    const std::string path = options.sample + (pair ? "/pairs/fields.npy" : "/muons/fields.npy");
    BUNCH_ASSIGN_OR_RETURN(auto fields, read_integers(path, columns));
    BUNCH_RETURN_IF_ERROR(on_wires(path, fields, columns));
    fill_up(fields, task, options.vectors, options.seed);
    return fields;
}

void print(const std::string& name, const BenchResult& result) {
    fmt::print("{:<34} {} of {} vectors returned, {} differ, {} clocks, {:.2f} M/s\n", name,
               result.returned, result.vectors, result.mismatches, result.clocks,
               static_cast<double>(result.returned) / result.seconds / 1e6);
}

/// The bench, and what all of its runs are given.
struct Verification {
    RtlBench bench;
    const IntegerNetwork& network;
    std::span<const std::int32_t> fields, expected;
    int latency = 0;
    nlohmann::json results{};  ///< by what was run

    Result<BenchResult> run(const std::string& what, const BenchSettings& settings) {
        BUNCH_ASSIGN_OR_RETURN(BenchResult result, bench.run(network, fields, expected, settings));
        print(what, result);
        results[what] = json_of(result);
        results[what]["room"] = settings.room;
        BUNCH_RETURN_IF_ERROR(judge(what, settings, result, latency));
        return result;
    }
};

Status verify_crossings(Verification& verification, std::uint64_t seed) {
    struct Crossings {
        const char* what;
        BenchSettings settings;
    };
    for (const Crossings& run :
         {Crossings{"8 muons per crossing at 320 MHz", {"full", seed, 0, 8, kRoomAtFull}},
          Crossings{"0 to 8 muons per crossing at 240 MHz",
                    {"crossings", seed, 0, 6, kRoomAtMixed}}}) {
        BUNCH_ASSIGN_OR_RETURN(const BenchResult result, verification.run(run.what, run.settings));
        fmt::print(
            "  {} crossings at 40 MHz, nothing dropped: at most {} muons waited, room for {}\n",
            result.crossings, result.most_waiting, run.settings.room);
    }
    return ok_status();
}

Status verify_control(Verification& verification, std::uint64_t seed) {
    BUNCH_ASSIGN_OR_RETURN(const IntegerNetwork other,
                           with_one_weight_changed(verification.network, verification.fields));
    const auto changed = run_fields(other, verification.fields, core_count());
    BUNCH_ASSIGN_OR_RETURN(const BenchResult control,
                           verification.bench.run(verification.network, verification.fields,
                                                  changed, {"stream", seed, 0, 8}));
    print("control: one weight changed", control);
    verification.results["control: one weight changed"] = json_of(control);
    if (control.mismatches > 0) return ok_status();
    return internal_error("a changed weight was not noticed: these vectors prove nothing");
}

Status verify_all(Verification& verification, const Options& options) {
    BUNCH_ASSIGN_OR_RETURN(const BenchResult plain,
                           verification.run("a sample per clock", {"stream", options.seed, 0, 8}));
    fmt::print("  latency {} clocks, {} with the stream's queue\n", verification.latency,
               plain.latency_with_queue);
    BUNCH_RETURN_IF_ERROR(verification
                              .run(fmt::format("stalled {} % on each side", options.stalls),
                                   {"stream", options.seed, options.stalls, 8})
                              .status());
    BUNCH_RETURN_IF_ERROR(verify_crossings(verification, options.seed));
    return verify_control(verification, options.seed);
}

Status verify_command(const Options& options) {
    const std::string record_path = options.folder + "/verify.json";
    BUNCH_RETURN_IF_ERROR(remove_record(record_path));
    BUNCH_ASSIGN_OR_RETURN(const Loaded loaded, load(options.model));
    BUNCH_ASSIGN_OR_RETURN(const Rtl rtl, read_rtl(options.folder, loaded.identity,
                                                   make_rtl(loaded.network, loaded.identity)));
    BUNCH_ASSIGN_OR_RETURN(const auto fields, vectors_of(options, loaded.network.task));
    const auto expected = run_fields(loaded.network, fields, core_count());
    Progress bar("verilator");
    auto bench = RtlBench::build(rtl);
    bar.end(bench.ok() ? "built" : "failed");
    if (!bench.ok()) return bench.status();
    Verification verification{std::move(*bench), loaded.network, fields, expected, rtl.latency};
    const Status verdict = verify_all(verification, options);
    const nlohmann::json record = {{"settings",
                                    {{"model", options.model},
                                     {"network", loaded.identity},
                                     {"sample", options.sample},
                                     {"sample_settings", settings_of_sample(options.sample)},
                                     {"vectors", options.vectors},
                                     {"stalls", options.stalls},
                                     {"seed", options.seed}}},
                                   {"results", verification.results},
                                   {"verdict", verdict.ok() ? "equal" : verdict.message()}};
    BUNCH_RETURN_IF_ERROR(write_text(record_path, record.dump(2) + "\n"));
    return verdict;
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
        ->check(CLI::Range(1, kMostVectors));
    command->add_option("--stalls", options->stalls, "Percent of clocks, up to 99")
        ->capture_default_str()
        ->check(CLI::Range(0, 99));
    command->add_option("--seed", options->seed, "Of the stalls and random fields")
        ->capture_default_str();
    command->callback(
        [options, &chosen] { chosen = [options] { return verify_command(*options); }; });
}

}  // namespace bunch::muon
