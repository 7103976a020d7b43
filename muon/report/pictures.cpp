#include "muon/report/pictures.h"

#include <fmt/format.h>

#include <array>

#include "muon/histograms.h"

namespace bunch::muon {
namespace {

using plot::PlotPanel;
using plot::PlotSeries;
using plot::Scale;

constexpr std::array<const char*, 5> kColors = {"#888888", "#c0392b", "#2e8b57", "#e69f00",
                                                "#1f6fb4"};
constexpr std::array<const char*, 4> kShown = {"baseline", "teacher", "student", "compressed"};

Result<std::string> resolution(const Study& study) {
    const MuonSample& sample = study.test_muons;
    const auto q68 = [](std::span<const float> values) { return width_of(values).q68; };
    std::vector<PlotSeries> phi, eta, pt;
    const auto add = [&](const std::string& name, const char* color, const Errors& errors) {
        phi.push_back(against_pt(name, color, sample, errors.phi, q68));
        eta.push_back(against_pt(name, color, sample, errors.eta, q68));
        pt.push_back(against_pt(name, color, sample, errors.pt, q68));
    };
    add("raw", kColors[0], raw_errors(sample));
    for (std::size_t i = 0; i < kShown.size(); ++i) {
        const Judged& judged = study.recalibration.named(kShown[i]).seeds.front();
        BUNCH_ASSIGN_OR_RETURN(const Errors errors,
                               evaluate(judged.run, sample, study.settings.threads));
        add(kShown[i], kColors[i + 1], errors);
    }
    const auto panel = [](const char* title, const char* y, std::vector<PlotSeries>& series) {
        return PlotPanel{
            title, "offline pt, GeV", y, std::move(series), Scale::logarithmic, Scale::linear, {}};
    };
    return plot::to_svg(
        "68 % of errors are smaller, against momentum (test sample)",
        {panel("Azimuth", "units of 2 pi/576", phi),
         panel("Pseudorapidity", "units of 0.010875", eta), panel("Relative momentum", "", pt)});
}

Result<std::string> roc(const Study& study) {
    std::vector<PlotSeries> curves;
    for (std::size_t i = 0; i < kShown.size(); ++i) {
        const Judged& judged = study.pair.named(kShown[i]).seeds.front();
        BUNCH_ASSIGN_OR_RETURN(const auto scores,
                               score(judged.run, study.test_pairs, study.settings.threads));
        BUNCH_ASSIGN_OR_RETURN(const Separation found,
                               separation_of(scores, study.test_pairs.real));
        PlotSeries series{
            fmt::format("{}, AUC {:.4f}", kShown[i], found.roc_auc), kColors[i + 1], false, {}, 0};
        for (const RocPoint& point : found.roc)
            if (point.fake_part > 1e-4)
                series.points.push_back({point.efficiency, point.fake_part, ""});
        curves.push_back(std::move(series));
    }
    return plot::to_svg("Real and fake pairs (test sample)", {{"",
                                                               "real pairs kept",
                                                               "fake pairs kept",
                                                               curves,
                                                               Scale::fitted,
                                                               Scale::logarithmic,
                                                               {}}});
}

PlotPanel pareto_panel(const TaskStudy& task, const char* title, const char* y,
                       std::size_t figure) {
    PlotPanel panel{
        title, "bits of weights that are not zero", y, {}, Scale::logarithmic, Scale::fitted, {}};
    std::map<int, PlotSeries> by_bits;
    for (const ParetoPoint& point : task.pareto) {
        PlotSeries& series = by_bits[point.weight_bits];
        if (series.name.empty()) {
            series.name = fmt::format("{} bits", point.weight_bits);
            series.color = kColors[by_bits.size() % kColors.size()];
        }
        series.points.push_back(
            {static_cast<double>(point.score.size.bits), point.score.figures[figure], ""});
    }
    for (auto& [bits, series] : by_bits) panel.series.push_back(std::move(series));
    PlotSeries baseline{"baseline", "black", false, {}, 5};
    for (const Judged& judged : task.named("baseline").seeds)
        baseline.points.push_back(
            {static_cast<double>(judged.score.size.bits), judged.score.figures[figure], ""});
    panel.series.push_back(std::move(baseline));
    return panel;
}

PlotPanel curve_panel(const TaskStudy& task, const char* title) {
    PlotPanel panel{title, "epoch", "validation loss", {}, Scale::linear, Scale::fitted, {}};
    for (std::size_t i = 0; i < kShown.size(); ++i) {
        PlotSeries series{kShown[i], kColors[i + 1], false, {}, 0};
        for (const EpochRecord& record : task.named(kShown[i]).seeds.front().run.curve)
            series.points.push_back(
                {static_cast<double>(record.epoch), record.validation_loss, ""});
        panel.series.push_back(std::move(series));
    }
    return panel;
}

}  // namespace

Result<std::map<std::string, std::string>> pictures_of(const Study& study) {
    std::map<std::string, std::string> pictures;
    BUNCH_ASSIGN_OR_RETURN(pictures["resolution.svg"], resolution(study));
    BUNCH_ASSIGN_OR_RETURN(pictures["roc.svg"], roc(study));
    pictures["pareto.svg"] =
        plot::to_svg("Size against error",
                     {pareto_panel(study.recalibration, "Recalibration", "RMS of phi, units", 1),
                      pareto_panel(study.recalibration, "Recalibration", "68 % of relative pt", 3),
                      pareto_panel(study.pair, "Pairs", "ROC AUC", 0)});
    pictures["curves.svg"] = plot::to_svg(
        "Training",
        {curve_panel(study.recalibration, "Recalibration"), curve_panel(study.pair, "Pairs")});
    return pictures;
}

}  // namespace bunch::muon
