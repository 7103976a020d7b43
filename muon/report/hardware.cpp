#include "muon/report/hardware.h"

#include <fmt/format.h>

#include "muon/parallel.h"
#include "muon/quantised/onnx_file.h"
#include "muon/report/cpu_runner.h"
#include "muon/rtl/programs.h"
#include "muon/vectors.h"

namespace bunch::muon {
namespace {

/// What a network makes of fields, and what one with a weight changed does.
struct Vectors {
    std::vector<std::int32_t> fields, expected, changed;
};

Status proves_nothing() {
    return internal_error("a changed weight was not noticed: these vectors prove nothing");
}

Status on_cpu_runner(const std::string& model, Task task, const Vectors& vectors, Hardware& to) {
    if (cpu_runner().empty()) {
        to.missing.push_back("bunch-runner-cpu is not built: the ONNX file did not run on it.");
        return ok_status();
    }
    BUNCH_ASSIGN_OR_RETURN(to.cpu_differs,
                           differing_on_runner(model, task, vectors.fields, vectors.expected));
    if (*to.cpu_differs > 0)
        return internal_error(
            fmt::format("{} numbers of the CPU runner differ from the integers", *to.cpu_differs));
    BUNCH_ASSIGN_OR_RETURN(to.cpu_control,
                           differing_on_runner(model, task, vectors.fields, vectors.changed));
    return *to.cpu_control > 0 ? ok_status() : proves_nothing();
}

Status in_verilator(const Rtl& rtl, const IntegerNetwork& network, const Vectors& vectors,
                    Hardware& to) {
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
                               bench.run(network, vectors.fields, vectors.expected, run.settings));
        BUNCH_RETURN_IF_ERROR(
            judge("RTL, " + std::string(run.what), run.settings, result, rtl.latency));
        to.benches.push_back({run.what, result, run.settings.room});
    }
    BUNCH_ASSIGN_OR_RETURN(to.control, bench.run(network, vectors.fields, vectors.changed, {}));
    return to.control->mismatches > 0 ? ok_status() : proves_nothing();
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
    BUNCH_ASSIGN_OR_RETURN(const IntegerNetwork other, with_one_weight_changed(network, fields));
    Vectors all{{}, run_fields(network, fields, threads), run_fields(other, fields, threads)};
    all.fields = std::move(fields);
    BUNCH_RETURN_IF_ERROR(on_cpu_runner(model, network.task, all, made));
    const Rtl rtl = make_rtl(network, made.seeds.front().identity);
    BUNCH_RETURN_IF_ERROR(in_verilator(rtl, network, all, made));
    return made;
}

}  // namespace bunch::muon
