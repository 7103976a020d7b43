// report.json: every number, setting and seed of the report.
#include "muon/report/table.h"
#include "muon/report/text.h"

namespace bunch::muon {
namespace {

nlohmann::json json_of(const Score& score) {
    return {{"figures", score.figures},
            {"weights", score.size.weights},
            {"bits", score.size.bits},
            {"seconds", score.seconds}};
}

nlohmann::json json_of(const TaskStudy& study) {
    nlohmann::json made = {{"figures", figure_names(study.task)}};
    const auto add = [&](const char* key, const std::vector<Variant>& variants) {
        for (const Variant& variant : variants)
            for (const Judged& judged : variant.seeds) {
                nlohmann::json entry = json_of(judged.score);
                entry["settings"] = judged.run.settings;
                made[key][variant.name].push_back(entry);
            }
    };
    add("variants", study.variants);
    add("ablation", study.ablation);
    add("few", study.few);
    for (const SearchPoint& point : study.search) {
        nlohmann::json entry = json_of(point.score);
        entry["hidden"] = point.hidden;
        made["search"].push_back(entry);
    }
    for (const ParetoPoint& point : study.pareto) {
        nlohmann::json entry = json_of(point.score);
        entry["weight_bits"] = point.weight_bits;
        entry["sparsity"] = point.sparsity;
        made["pareto"].push_back(entry);
    }
    return made;
}

nlohmann::json json_of(const Hardware& hardware) {
    nlohmann::json made = {{"vectors", hardware.vectors}, {"missing", hardware.missing}};
    for (const Synthesis& seed : hardware.seeds) {
        nlohmann::json entry = {
            {"network", seed.identity}, {"latency_clocks", seed.latency}, {"adders", seed.adders}};
        if (seed.area) entry["area"] = json_of(*seed.area);
        made["seeds"].push_back(entry);
    }
    if (hardware.cpu_differs) made["cpu_differs"] = *hardware.cpu_differs;
    for (const BenchRun& run : hardware.benches) {
        made["benches"][run.what] = json_of(run.result);
        made["benches"][run.what]["room"] = run.room;
    }
    if (hardware.cpu_control) made["cpu_control_differs"] = *hardware.cpu_control;
    if (hardware.control) made["control_mismatches"] = hardware.control->mismatches;
    return made;
}

}  // namespace

nlohmann::json json_of(const Study& study) {
    return {{"settings", json_of(study.settings)},
            {"recalibration", json_of(study.recalibration)},
            {"pair", json_of(study.pair)}};
}

nlohmann::json json_of(const ReportInput& input) {
    nlohmann::json made = json_of(input.study);
    made["command"] = input.command;
    made["seconds"] = input.seconds;
    made["hardware"] = {{"recalibration", json_of(input.recalibration)},
                        {"pair", json_of(input.pair)}};
    return made;
}

}  // namespace bunch::muon
