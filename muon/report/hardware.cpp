#include "muon/report/hardware.h"

#include <fmt/format.h>

#include <filesystem>

#include "muon/parallel.h"
#include "muon/quantised/onnx_file.h"
#include "muon/rtl/programs.h"
#include "muon/sample_file.h"
#include "muon/vectors.h"

namespace bunch::muon {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRunner = "bunch-runner-cpu";

/// Beside this program in a build tree, or installed.
std::string runner() {
    std::error_code error;
    const fs::path own = fs::read_symlink("/proc/self/exe", error).parent_path();
    for (const fs::path& folder :
         {own, own.parent_path() / "bin", own.parent_path() / "libexec" / "bunch"})
        if (fs::exists(folder / kRunner, error)) return (folder / kRunner).string();
    return "";
}

Status on_cpu_runner(const std::string& folder, const std::string& model, Task task,
                     std::span<const std::int32_t> fields, std::span<const std::int32_t> expected,
                     Hardware& to) {
    const std::string program = runner();
    if (program.empty()) {
        to.missing.push_back("bunch-runner-cpu is not built: the ONNX file did not run on it.");
        return ok_status();
    }
    const std::string inputs = folder + "/fields.npy";
    BUNCH_RETURN_IF_ERROR(write_integers(inputs, fields, input_count(task, Encoding::raw)));
    BUNCH_RETURN_IF_ERROR(
        output_of(fmt::format("{} model run {} --input {} --output-dir {}", quoted(program),
                              quoted(model), quoted("fields=" + inputs), quoted(folder)))
            .status());
    const std::string made = folder + (task == Task::pair ? "/logit.npy" : "/corrected.npy");
    BUNCH_ASSIGN_OR_RETURN(const auto found, read_integers(made, output_count(task)));
    to.cpu_differs = found.size() == expected.size() ? 0 : expected.size();
    for (std::size_t i = 0; i < found.size() && found.size() == expected.size(); ++i)
        *to.cpu_differs += found[i] != expected[i] ? 1 : 0;
    fs::remove(inputs);
    fs::remove(made);
    if (*to.cpu_differs == 0) return ok_status();
    return internal_error(
        fmt::format("{} numbers of the CPU runner differ from the integers", *to.cpu_differs));
}

Status in_verilator(const Rtl& rtl, const IntegerNetwork& network,
                    std::span<const std::int32_t> fields, std::span<const std::int32_t> expected,
                    unsigned threads, Hardware& to) {
    if (!has_program("verilator")) {
        to.missing.push_back("verilator is not installed: the RTL did not run.");
        return ok_status();
    }
    BUNCH_ASSIGN_OR_RETURN(RtlBench bench, RtlBench::build(rtl));
    struct Run {
        const char* what;
        BenchSettings settings;
    };
    for (const Run& run :
         {Run{"a sample per clock", {"stream", 1, 0, 8}},
          Run{"20 % stalls on each side", {"stream", 2, 20, 8}},
          Run{"8 muons in every crossing, 320 MHz", {"full", 3, 0, 8, kRoomAtFull}},
          Run{"0 to 8 muons in a crossing, 240 MHz", {"crossings", 4, 0, 6, kRoomAtMixed}}}) {
        BUNCH_ASSIGN_OR_RETURN(const BenchResult result,
                               bench.run(network, fields, expected, run.settings));
        BUNCH_RETURN_IF_ERROR(
            judge("RTL, " + std::string(run.what), run.settings, result, rtl.latency));
        to.benches.push_back({run.what, result, run.settings.room});
    }
    BUNCH_ASSIGN_OR_RETURN(const IntegerNetwork other, with_one_weight_changed(network, fields));
    const auto changed = run_fields(other, fields, threads);
    BUNCH_ASSIGN_OR_RETURN(to.control, bench.run(network, fields, changed, {}));
    if (to.control->mismatches > 0) return ok_status();
    return internal_error("a changed weight was not noticed: these vectors prove nothing");
}

/// A network's files: `name`.onnx and rtl_`name`/.
struct Files {
    std::string model, rtl_folder;
};

Files files_of(const std::string& folder, Task task, std::size_t seed) {
    std::string name(name_of(task));
    if (seed > 0) name += "_seed_" + std::to_string(seed + 1);
    return {folder + "/" + name + ".onnx", folder + "/rtl_" + name};
}

Result<Synthesis> synthesise(const Files& files, const Rtl& rtl, const std::string& identity) {
    Synthesis made{identity, rtl.latency, rtl.adders, std::nullopt};
    if (!has_program("yosys")) return made;
    BUNCH_ASSIGN_OR_RETURN(made.area, area_of(files.rtl_folder, rtl));
    return made;
}

/// Side by side: Yosys takes a minute for each.
Result<std::vector<Synthesis>> synthesise_all(const std::string& folder,
                                              const std::vector<IntegerNetwork>& networks,
                                              unsigned threads) {
    std::vector<Result<Synthesis>> made(networks.size(), Synthesis{});
    std::vector<Rtl> rtls;
    for (std::size_t i = 0; i < networks.size(); ++i) {
        const Files files = files_of(folder, networks[i].task, i);
        BUNCH_RETURN_IF_ERROR(write_onnx(files.model, networks[i]));
        rtls.push_back(make_rtl(networks[i], hash_of(onnx_bytes(networks[i]))));
        BUNCH_RETURN_IF_ERROR(write_rtl(files.rtl_folder, rtls.back()));
    }
    for_each_piece(networks.size(), threads, [&](std::size_t i) {
        made[i] = synthesise(files_of(folder, networks[i].task, i), rtls[i],
                             hash_of(onnx_bytes(networks[i])));
    });
    std::vector<Synthesis> all;
    for (Result<Synthesis>& one : made) {
        BUNCH_RETURN_IF_ERROR(one.status());
        all.push_back(*std::move(one));
    }
    return all;
}

}  // namespace

Result<Hardware> try_hardware(const std::string& folder,
                              const std::vector<IntegerNetwork>& networks,
                              std::vector<std::int32_t> fields, std::size_t vectors,
                              unsigned threads) {
    Hardware made;
    made.vectors = vectors;
    BUNCH_ASSIGN_OR_RETURN(made.seeds, synthesise_all(folder, networks, threads));
    if (!made.seeds.front().area)
        made.missing.push_back("yosys is not installed: cells were not counted.");
    const IntegerNetwork& network = networks.front();
    const std::string model = files_of(folder, network.task, 0).model;
    fill_up(fields, network.task, vectors, 77);
    const auto expected = run_fields(network, fields, threads);
    BUNCH_RETURN_IF_ERROR(on_cpu_runner(folder, model, network.task, fields, expected, made));
    const Rtl rtl = make_rtl(network, made.seeds.front().identity);
    BUNCH_RETURN_IF_ERROR(in_verilator(rtl, network, fields, expected, threads, made));
    return made;
}

}  // namespace bunch::muon
