#include "muon/report/hardware.h"

#include <fmt/format.h>

#include <filesystem>

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

}  // namespace

Result<Hardware> try_hardware(const std::string& folder, const IntegerNetwork& network,
                              std::vector<std::int32_t> fields, std::size_t vectors,
                              unsigned threads) {
    fill_up(fields, network.task, vectors, 77);
    const auto expected = run_fields(network, fields, threads);
    Hardware made;
    made.vectors = vectors;
    made.identity = hash_of(onnx_bytes(network));
    const std::string model = folder + "/" + std::string(name_of(network.task)) + ".onnx";
    BUNCH_RETURN_IF_ERROR(write_onnx(model, network));
    const Rtl rtl = make_rtl(network, made.identity);
    made.latency = rtl.latency;
    made.adders = rtl.adders;
    const std::string rtl_folder = folder + "/rtl_" + std::string(name_of(network.task));
    BUNCH_RETURN_IF_ERROR(write_rtl(rtl_folder, rtl));
    BUNCH_RETURN_IF_ERROR(on_cpu_runner(folder, model, network.task, fields, expected, made));
    BUNCH_RETURN_IF_ERROR(in_verilator(rtl, network, fields, expected, threads, made));
    if (has_program("yosys")) {
        BUNCH_ASSIGN_OR_RETURN(made.area, area_of(rtl_folder, rtl));
    } else {
        made.missing.push_back("yosys is not installed: cells were not counted.");
    }
    return made;
}

}  // namespace bunch::muon
