#include "muon/report/targets.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "muon/report/table.h"

namespace bunch::muon {
namespace {

constexpr double kBaselineBits = 896 * 18;

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

class TargetTable {
  public:
    void line(const std::string& what, const std::string& found, bool must, bool aim) {
        text_ += fmt::format("| {} | {} | {} | {} |\n", what, found, verdict(must), verdict(aim));
    }
    void not_measured(const std::string& what) {
        text_ += fmt::format("| {} | not measured | | |\n", what);
    }
    const std::string& text() const { return text_; }

  private:
    std::string text_ = heading({"target", "found", "must", "aim"});
};

void add_errors(const Study& study, TargetTable& table) {
    const TaskStudy& muons = study.recalibration;
    const double smaller = kBaselineBits / bits_of(muons.named("compressed")).mean;
    const Ratios ratios = ratios_of(muons, "baseline");
    table.line("weight bits against 896 × 18: ≥ 5×, aim ≥ 9×", fmt::format("{:.1f}×", smaller),
               smaller >= 5, smaller >= 9);
    const bool claimed = smaller >= 4 && ratios.worst <= 1;
    table.line("the published claim: at least 4× smaller at equal or lower error",
               fmt::format("{:.1f}×, worst ratio {:.4f}", smaller, ratios.worst), claimed, claimed);
    table.line("error / baseline: all four ≤ 1; aim ≤ 0.97 on phi RMS and pt",
               fmt::format("worst {:.4f}; phi RMS {:.3f}, pt {:.3f}", ratios.worst, ratios.phi_rms,
                           ratios.pt),
               ratios.worst <= 1, ratios.phi_rms <= 0.97 && ratios.pt <= 0.97);
    const double behind = figure_of(study.pair.named("teacher"), 0).mean -
                          figure_of(study.pair.named("compressed"), 0).mean;
    table.line("pair AUC behind the teacher's: ≤ 0.006, aim ≤ 0.003", fmt::format("{:.4f}", behind),
               behind <= 0.006, behind <= 0.003);
}

/// A figure of each seed's hardware.
template <typename Value>
std::vector<std::size_t> values_of(const Hardware& hardware, const Value& value) {
    std::vector<std::size_t> all;
    for (const Synthesis& seed : hardware.seeds) all.push_back(value(seed));
    return all;
}

std::size_t most(const std::vector<std::size_t>& values) {
    return *std::max_element(values.begin(), values.end());
}

void add_cells(const std::string& task, const Hardware& hardware, TargetTable& table) {
    const auto clocks = values_of(
        hardware, [](const Synthesis& one) { return static_cast<std::size_t>(one.latency); });
    table.line(task + ": latency of each seed's, ≤ 20 clocks, aim ≤ 16",
               fmt::format("{}", fmt::join(clocks, ", ")), most(clocks) <= 20, most(clocks) <= 16);
    const std::string cells = task + ": LUT / DSP of each seed's by Yosys, ≤ 5000 / 1, aim ≤ 3000";
    if (!hardware.seeds.front().area) return table.not_measured(cells);
    const auto luts = values_of(hardware, [](const Synthesis& one) { return one.area->luts; });
    const auto dsps = values_of(hardware, [](const Synthesis& one) { return one.area->dsps; });
    table.line(cells, fmt::format("{} / {}", fmt::join(luts, ", "), fmt::join(dsps, ", ")),
               most(luts) <= 5000 && most(dsps) <= 1, most(luts) <= 3000 && most(dsps) <= 1);
}

/// try_hardware() fails if any of these vectors differs.
void add_simulation(const std::string& task, const Hardware& hardware, TargetTable& table) {
    const std::string exact = task + ": bit-exact vectors, 1e6, aim 1e7",
                      speed = task + ": simulation ≥ 0.5 M/s, aim 1.5";
    if (hardware.benches.empty()) {
        table.not_measured(exact);
        return table.not_measured(speed);
    }
    const BenchResult& plain = hardware.benches.front().result;
    const double rate = static_cast<double>(plain.vectors) / plain.seconds / 1e6;
    table.line(exact, std::to_string(plain.vectors), plain.vectors >= 1'000'000,
               plain.vectors >= 10'000'000);
    table.line(speed, fmt::format("{:.2f} M/s", rate), rate >= 0.5, rate >= 1.5);
}

double seconds_of(const Variant& variant) {
    return spread_of(variant.seeds, [](const Score& score) { return score.seconds; }).mean;
}

}  // namespace

std::string targets_of(const ReportInput& input) {
    TargetTable table;
    add_errors(input.study, table);
    for (const auto& [task, hardware] :
         {std::pair{"recalibration", &input.recalibration}, std::pair{"pairs", &input.pair}}) {
        add_cells(task, *hardware, table);
        add_simulation(task, *hardware, table);
    }
    const TaskStudy& muons = input.study.recalibration;
    const double seconds =
        seconds_of(muons.named("student")) + seconds_of(muons.named("compressed"));
    table.line("train, prune and QAT on one core: ≤ 5 min, aim 1 min",
               fmt::format("{:.0f} s", seconds), seconds <= 300, seconds <= 60);
    return table.text() + "\n";
}

}  // namespace bunch::muon
