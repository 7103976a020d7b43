#include "muon/report/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "muon/histograms.h"

namespace bunch::muon {
namespace {

constexpr double kBaselineBits = 896 * 18;

struct Spread {
    double mean = 0;
    double deviation = 0;  ///< between seeds
};

template <typename Value>
Spread spread_of(const std::vector<Judged>& seeds, const Value& value) {
    Spread spread;
    const auto count = static_cast<double>(seeds.size());
    for (const Judged& judged : seeds) spread.mean += value(judged.score) / count;
    for (const Judged& judged : seeds)
        spread.deviation += std::pow(value(judged.score) - spread.mean, 2);
    spread.deviation = seeds.size() < 2 ? 0 : std::sqrt(spread.deviation / (count - 1));
    return spread;
}

Spread figure_of(const Variant& variant, std::size_t figure) {
    return spread_of(variant.seeds, [&](const Score& score) { return score.figures[figure]; });
}

Spread bits_of(const Variant& variant) {
    return spread_of(variant.seeds,
                     [](const Score& score) { return static_cast<double>(score.size.bits); });
}

std::vector<std::string> figure_names(Task task) {
    if (task == Task::recalibration) return {"phi 68 %", "phi RMS", "eta 68 %", "pt 68 %"};
    return {"ROC AUC", "PR AUC", "fakes rejected at 95 %"};
}

std::string heading(const std::vector<std::string>& cells) {
    std::string row = "|", line = "|";
    for (const std::string& cell : cells) {
        row += " " + cell + " |";
        line += "---|";
    }
    return row + "\n" + line + "\n";
}

std::string number(double value) {
    return fmt::format("{:.{}f}", value, std::abs(value) >= 10 ? 1 : 4);
}

std::string row_of(const Variant& variant) {
    std::string row = "| " + variant.name + " |";
    for (std::size_t i = 0; i < variant.seeds.front().score.figures.size(); ++i) {
        const Spread spread = figure_of(variant, i);
        row += fmt::format(" {} ± {} |", number(spread.mean), number(spread.deviation));
    }
    const Spread weights = spread_of(
        variant.seeds, [](const Score& score) { return static_cast<double>(score.size.weights); });
    const Spread seconds =
        spread_of(variant.seeds, [](const Score& score) { return score.seconds; });
    return row + fmt::format(" {:.0f} | {:.0f} | {:.1f} |\n", weights.mean, bits_of(variant).mean,
                             seconds.mean);
}

std::string table_of(Task task, const std::vector<Variant>& variants, const std::string& first,
                     const std::string& extra = "") {
    std::vector<std::string> cells = {first};
    for (const std::string& name : figure_names(task)) cells.push_back(name);
    for (const char* name : {"weights", "bits", "s"}) cells.push_back(name);
    std::string text = heading(cells) + extra;
    for (const Variant& variant : variants) text += row_of(variant);
    return text + "\n";
}

/// Students of other widths, all compressed to about as many weights.
std::string search_of(const TaskStudy& study) {
    std::vector<std::string> cells = {"hidden layers"};
    for (const std::string& name : figure_names(study.task)) cells.push_back(name);
    for (const char* name : {"weights", "bits", "s"}) cells.push_back(name);
    std::string text = heading(cells);
    for (const SearchPoint& point : study.search) {
        text += fmt::format("| {} |", fmt::join(point.hidden, "-"));
        for (const double figure : point.score.figures) text += " " + number(figure) + " |";
        text += fmt::format(" {} | {} | {:.1f} |\n", point.score.size.weights,
                            point.score.size.bits, point.score.seconds);
    }
    return text + "\n";
}

std::string raw_row(const MuonSample& sample) {
    const ErrorFigures raw = figures_of(raw_errors(sample));
    return fmt::format("| raw trigger | {} | {} | {} | {} | | | |\n", number(raw.phi.q68),
                       number(raw.phi.rms), number(raw.eta.q68), number(raw.pt.q68));
}

std::string verdict(bool met) {
    return met ? "met" : "**missed**";
}

/// A figure of the compressed networks against the baseline, the worst of the four and two of them.
struct Ratios {
    double worst = 0, phi_rms = 0, pt = 0;
};

Ratios ratios_of(const TaskStudy& study, const std::string& baseline) {
    Ratios ratios;
    for (std::size_t i = 0; i < 4; ++i) {
        const double ratio =
            figure_of(study.named("compressed"), i).mean / figure_of(study.named(baseline), i).mean;
        ratios.worst = std::max(ratios.worst, ratio);
        if (i == 1) ratios.phi_rms = ratio;
        if (i == 3) ratios.pt = ratio;
    }
    return ratios;
}

/// Each figure of the compressed networks against the baseline of the same seed.
std::string ratios_text(const TaskStudy& study, const std::string& baseline) {
    const Variant &ours = study.named("compressed"), &theirs = study.named(baseline);
    std::string text = "Compressed / " + baseline + ": ";
    const auto names = figure_names(study.task);
    for (std::size_t i = 0; i < names.size(); ++i) {
        Variant ratios = ours;
        for (std::size_t s = 0; s < ratios.seeds.size(); ++s)
            ratios.seeds[s].score.figures[i] /= theirs.seeds[s].score.figures[i];
        const Spread spread = figure_of(ratios, i);
        text += fmt::format("{}{} {:.4f} ± {:.4f}", i == 0 ? "" : ", ", names[i], spread.mean,
                            spread.deviation);
    }
    return text + ".\n\n";
}

std::string targets(const ReportInput& input) {
    const TaskStudy& muons = input.study.recalibration;
    const double smaller = kBaselineBits / bits_of(muons.named("compressed")).mean;
    const Ratios ratios = ratios_of(muons, "baseline");
    const double behind = figure_of(input.study.pair.named("teacher"), 0).mean -
                          figure_of(input.study.pair.named("compressed"), 0).mean;
    std::string text = heading({"target", "found", "must", "aim"});
    const auto line = [&](const std::string& what, const std::string& found, bool must, bool aim) {
        text += fmt::format("| {} | {} | {} | {} |\n", what, found, verdict(must), verdict(aim));
    };
    line("weight bits against 896 × 18: ≥ 5×, aim ≥ 9×", fmt::format("{:.1f}×", smaller),
         smaller >= 5, smaller >= 9);
    line("the published claim: over 4× smaller at equal or lower error",
         fmt::format("{:.1f}×, worst ratio {:.3f}", smaller, ratios.worst),
         smaller >= 4 && ratios.worst <= 1, smaller >= 4 && ratios.worst <= 1);
    line("error / baseline: all four ≤ 1; aim ≤ 0.97 on phi RMS and pt",
         fmt::format("worst {:.3f}; phi RMS {:.3f}, pt {:.3f}", ratios.worst, ratios.phi_rms,
                     ratios.pt),
         ratios.worst <= 1, ratios.phi_rms <= 0.97 && ratios.pt <= 0.97);
    line("pair AUC behind the teacher's: ≤ 0.006, aim ≤ 0.003", fmt::format("{:.4f}", behind),
         behind <= 0.006, behind <= 0.003);
    const Hardware& hardware = input.recalibration;
    line("latency: ≤ 20 clocks, aim ≤ 16", std::to_string(hardware.latency), hardware.latency <= 20,
         hardware.latency <= 16);
    if (hardware.area)
        line("LUT / DSP by Yosys: ≤ 5000 / 1, aim ≤ 3000",
             fmt::format("{} / {}", hardware.area->luts, hardware.area->dsps),
             hardware.area->luts <= 5000 && hardware.area->dsps <= 1, hardware.area->luts <= 3000);
    if (!hardware.benches.empty()) {
        const BenchResult& plain = hardware.benches.front().result;
        const double rate = static_cast<double>(plain.vectors) / plain.seconds / 1e6;
        line("bit-exact vectors: 1e6, aim 1e7", std::to_string(plain.vectors),
             plain.vectors >= 1'000'000, plain.vectors >= 10'000'000);
        line("simulation: ≥ 0.5 M/s, aim 1.5", fmt::format("{:.2f} M/s", rate), rate >= 0.5,
             rate >= 1.5);
    }
    const double seconds =
        spread_of(muons.named("student").seeds, [](const Score& s) { return s.seconds; }).mean +
        spread_of(muons.named("compressed").seeds, [](const Score& s) { return s.seconds; }).mean;
    line("train, prune and QAT on one core: ≤ 5 min, aim 1 min", fmt::format("{:.0f} s", seconds),
         seconds <= 300, seconds <= 60);
    return text + "\n";
}

std::string hardware_text(const char* name, const Hardware& hardware) {
    std::string text =
        fmt::format("### {}\n\nNetwork `{}`: latency {} clocks, {} adders before synthesis.\n\n",
                    name, hardware.identity, hardware.latency, hardware.adders);
    if (hardware.area)
        text += fmt::format(
            "Yosys `synth_xilinx -family xcup -flatten`: {} LUT, {} FF, {} DSP, {} block RAM; "
            "longest "
            "path between registers {} LUT and {} CARRY4.\n\n",
            hardware.area->luts, hardware.area->flip_flops, hardware.area->dsps,
            hardware.area->block_rams, hardware.area->lut_levels, hardware.area->carry_levels);
    text += heading(
        {"against the integers in C++", "vectors", "differ", "clocks", "M/s", "waiting, room"});
    if (hardware.cpu_differs)
        text += fmt::format("| ONNX on bunch-runner-cpu | {} | {} | | | |\n", hardware.vectors,
                            *hardware.cpu_differs);
    const auto bench = [&](const std::string& what, const BenchResult& result, std::size_t room) {
        text += fmt::format("| {} | {} | {} | {} | {:.2f} | {} |\n", what, result.vectors,
                            result.mismatches, result.clocks,
                            static_cast<double>(result.vectors) / result.seconds / 1e6,
                            room > 0 ? fmt::format("{} of {}", result.most_waiting, room) : "");
    };
    for (const BenchRun& run : hardware.benches) bench("RTL, " + run.what, run.result, run.room);
    if (hardware.control) bench("control: one weight changed, must differ", *hardware.control, 0);
    for (const std::string& sentence : hardware.missing) text += "\n" + sentence + "\n";
    return text + "\n";
}

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
    nlohmann::json made = {{"network", hardware.identity},
                           {"latency_clocks", hardware.latency},
                           {"adders", hardware.adders},
                           {"vectors", hardware.vectors},
                           {"missing", hardware.missing}};
    if (hardware.cpu_differs) made["cpu_differs"] = *hardware.cpu_differs;
    if (hardware.area) made["area"] = json_of(*hardware.area);
    for (const BenchRun& run : hardware.benches) {
        made["benches"][run.what] = json_of(run.result);
        made["benches"][run.what]["room"] = run.room;
    }
    if (hardware.control) made["control_mismatches"] = hardware.control->mismatches;
    return made;
}

}  // namespace

std::string markdown_of(const ReportInput& input) {
    const Study& study = input.study;
    const StudySettings& settings = study.settings;
    std::string text = fmt::format(
        "# Muon networks: report\n\nMade by `{}` in {:.0f} s. A toy detector, open tools: no "
        "figure "
        "here is an experiment's or a vendor's.\nTrained on {} muons and {} pairs, judged on {} of "
        "each from a seed ({}) fixed beforehand; mean ± deviation over {} seeds.\nBaseline and "
        "compressed networks had equally many epochs ({}). docs/MUON.md explains the method.\n\n"
        "## Targets\n\n",
        input.command, input.seconds, settings.muons, settings.pairs, settings.test, kTestSeed,
        settings.seeds, settings.epochs + settings.compression_epochs);
    text += targets(input);
    text +=
        "## Recalibration\n\n" +
        table_of(Task::recalibration, study.recalibration.variants, "network",
                 raw_row(study.test_muons)) +
        ratios_text(study.recalibration, "baseline") +
        ratios_text(study.recalibration, "baseline, folded") +
        "![resolution](resolution.svg)\n\n## Pairs\n\n" +
        table_of(Task::pair, study.pair.variants, "network") +
        "![ROC](roc.svg)\n\nBits: 18 for each weight in floating point (the published words), "
        "the weight's own width when compressed; biases and the table of pt (512 × 8) are not "
        "counted.\n\n## What each technique is worth\n\n" +
        table_of(Task::recalibration, study.recalibration.ablation, "recalibration") +
        table_of(Task::pair, study.pair.ablation, "pairs") +
        "## Few labelled rows\n\nStudents in floating point; teacher and transfer have seen the "
        "whole sample.\n\n" +
        table_of(Task::recalibration, study.recalibration.few, "recalibration") +
        table_of(Task::pair, study.pair.few, "pairs") +
        "## Student search\n\nOne seed, compressed to as many weights as the chosen student.\n\n" +
        search_of(study.recalibration) + search_of(study.pair);
    text +=
        "## Size against error\n\n![Pareto](pareto.svg)\n\n![curves](curves.svg)\n\n## "
        "Hardware\n\n";
    text += hardware_text("Recalibration", input.recalibration);
    text += hardware_text("Pairs", input.pair);
    return text;
}

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
