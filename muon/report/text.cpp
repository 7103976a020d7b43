#include "muon/report/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "muon/histograms.h"
#include "muon/report/table.h"
#include "muon/report/targets.h"

namespace bunch::muon {
namespace {

std::string number(double value) {
    return fmt::format("{:.{}f}", value, std::abs(value) >= 10 ? 1 : 4);
}

/// Without a deviation where there is one seed.
std::string with_deviation(const Spread& spread, const Variant& variant) {
    if (variant.seeds.size() < 2) return number(spread.mean);
    return fmt::format("{} ± {}", number(spread.mean), number(spread.deviation));
}

std::string row_of(const Variant& variant) {
    std::string row = "| " + variant.name + " |";
    for (std::size_t i = 0; i < variant.seeds.front().score.figures.size(); ++i) {
        const Spread spread = figure_of(variant, i);
        row += " " + with_deviation(spread, variant) + " |";
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
        text += fmt::format("{}{} {}", i == 0 ? "" : ", ", names[i], with_deviation(spread, ours));
    }
    return text + ".\n\n";
}

std::string synthesis_table(const std::vector<Synthesis>& seeds) {
    std::string text = heading({"seed", "network", "clocks", "adders of the layers", "LUT", "FF",
                                "DSP", "block RAM", "longest path: LUT", "CARRY4"});
    for (std::size_t i = 0; i < seeds.size(); ++i) {
        const Synthesis& seed = seeds[i];
        text += fmt::format("| {} | `{}` | {} | {} |", i + 1, seed.identity.substr(0, 12),
                            seed.latency, seed.adders);
        if (seed.area)
            text += fmt::format(" {} | {} | {} | {} | {} | {} |\n", seed.area->luts,
                                seed.area->flip_flops, seed.area->dsps, seed.area->block_rams,
                                seed.area->lut_levels, seed.area->carry_levels);
        else
            text += " | | | | | |\n";
    }
    return text + "\n";
}

std::string hardware_text(const char* name, const Hardware& hardware) {
    std::string text = fmt::format("### {}\n\n", name) + synthesis_table(hardware.seeds);
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
    if (hardware.cpu_control)
        text += fmt::format(
            "| control: one weight changed, must differ: CPU runner | {} | {} | | | |\n",
            hardware.vectors, *hardware.cpu_control);
    if (hardware.control)
        bench("control: one weight changed, must differ: RTL", *hardware.control, 0);
    for (const std::string& sentence : hardware.missing) text += "\n" + sentence + "\n";
    return text + "\n";
}

std::string opening(const ReportInput& input) {
    const StudySettings& settings = input.study.settings;
    const std::size_t epochs = settings.epochs + settings.compression_epochs;
    return fmt::format(
        "# Muon networks: report\n\nMade by `{}` in {:.0f} s{}. A toy detector, open tools: no "
        "figure here is an experiment's or a vendor's.\n\n{} muons and {} pairs, of which the last "
        "tenth chooses each network's best epoch; judged on {} others of each, from a seed ({}) "
        "that was fixed beforehand, and the compressed ones by their integers. Mean ± deviation "
        "over {} seeds. Baselines had {} epochs, as many as a student ({}) and its compression "
        "({}) "
        "together; a pair network that begins from recalibration has that one's {} besides. "
        "docs/MUON.md explains the method.\n\n",
        input.command, input.seconds,
        settings.resume ? ", going on with networks that were there" : "", settings.muons,
        settings.pairs, settings.test, kTestSeed, settings.seeds, epochs, settings.epochs,
        settings.compression_epochs, settings.epochs);
}

std::string networks_text(const Study& study) {
    return "## Recalibration\n\n" +
           table_of(Task::recalibration, study.recalibration.variants, "network",
                    raw_row(study.test_muons)) +
           ratios_text(study.recalibration, "baseline") +
           ratios_text(study.recalibration, "baseline, folded") +
           "![resolution](resolution.svg)\n\n## Pairs\n\n" +
           table_of(Task::pair, study.pair.variants, "network") +
           "![ROC](roc.svg)\n\nPictures are of the first seed. Bits: 18 for each weight in "
           "floating "
           "point (the published words), the weight's own width when compressed; biases and the "
           "table of pt (512 × 8) are not counted. s: of one core, for compressed networks without "
           "the student's.\n\n";
}

std::string comparisons_text(const Study& study) {
    const std::string epochs = std::to_string(study.settings.pareto_epochs);
    return "## What each technique is worth\n\nThe compressed networks with one thing "
           "changed.\n\n" +
           table_of(Task::recalibration, study.recalibration.ablation, "recalibration") +
           table_of(Task::pair, study.pair.ablation, "pairs") +
           "## Few labelled rows\n\nStudents in floating point; teacher and transfer have seen the "
           "whole sample.\n\n" +
           table_of(Task::recalibration, study.recalibration.few, "recalibration") +
           table_of(Task::pair, study.pair.few, "pairs") +
           "## Student search\n\nOne seed, without transfer, compressed in " + epochs +
           " epochs to as many weights as the chosen student; s with the student's training.\n\n" +
           search_of(study.recalibration) + search_of(study.pair) +
           "## Size against error\n\nThe first seed, compressed in " + epochs +
           " epochs.\n\n![Pareto](pareto.svg)\n\n![curves](curves.svg)\n\n";
}

}  // namespace

std::string markdown_of(const ReportInput& input) {
    return opening(input) + "## Targets\n\n" + targets_of(input) + networks_text(input.study) +
           comparisons_text(input.study) +
           "## Hardware\n\nCells by Yosys, `synth_xilinx -family xcup -flatten`, with the longest "
           "path between registers; the first seed's networks ran on the CPU runner and in "
           "Verilator.\n\n" +
           hardware_text("Recalibration", input.recalibration) + hardware_text("Pairs", input.pair);
}

}  // namespace bunch::muon
