#include "muon/histograms.h"

#include <array>
#include <cmath>
#include <functional>

namespace bunch::muon {
namespace {

using plot::PlotPanel;
using plot::PlotSeries;
using plot::Scale;

constexpr const char* kBlue = "#1f6fb4";
constexpr const char* kRed = "#c0392b";
constexpr const char* kGreen = "#2e8b57";

PlotPanel panel(const std::string& title, const std::string& x, const std::string& y,
                std::vector<PlotSeries> series) {
    return {title, x, y, std::move(series), Scale::fitted, Scale::fitted, {}};
}

/// +1 where the correction of phi has the sign of the charge.
std::vector<float> signed_by_charge(const MuonSample& sample, std::span<const float> errors) {
    std::vector<float> values(errors.begin(), errors.end());
    for (std::size_t i = 0; i < values.size(); ++i)
        if (sample.l1[i].charge == 0) values[i] = -values[i];
    return values;
}

PlotPanel spectrum_panel(const MuonSample& sample) {
    std::vector<float> offline, trigger;
    for (std::size_t i = 0; i < sample.size(); ++i) {
        offline.push_back(std::log10(sample.offline[i].pt));
        trigger.push_back(
            std::log10(static_cast<float>(kPtUnit) * static_cast<float>(sample.l1[i].pt)));
    }
    return panel("Momentum", "log10(pt / GeV)", "part per unit",
                 {histogram("offline", kGreen, offline, 0.3, 2.5),
                  histogram("trigger", kBlue, trigger, 0.3, 2.5)});
}

}  // namespace

Errors raw_errors(const MuonSample& sample) {
    Errors errors;
    for (std::size_t i = 0; i < sample.size(); ++i)
        errors.add(measured(sample.l1[i]), sample.offline[i]);
    return errors;
}

PlotSeries histogram(const std::string& name, const std::string& color,
                     std::span<const float> values, double low, double high, std::size_t bins) {
    std::vector<double> counts(bins, 0);
    const double width = (high - low) / static_cast<double>(bins);
    for (const float value : values) {
        const double bin = std::floor((static_cast<double>(value) - low) / width);
        if (bin >= 0 && bin < static_cast<double>(bins)) ++counts[static_cast<std::size_t>(bin)];
    }
    PlotSeries series{name, color, false, {{low, 0, ""}}, 0};
    const double unit = 1 / (width * static_cast<double>(std::max<std::size_t>(1, values.size())));
    for (std::size_t bin = 0; bin < bins; ++bin) {
        const double left = low + static_cast<double>(bin) * width;
        series.points.push_back({left, counts[bin] * unit, ""});
        series.points.push_back({left + width, counts[bin] * unit, ""});
    }
    series.points.push_back({high, 0, ""});
    return series;
}

PlotSeries against_pt(const std::string& name, const std::string& color, const MuonSample& sample,
                      std::span<const float> values,
                      const std::function<double(std::span<const float>)>& figure) {
    constexpr std::size_t kBins = 10;
    constexpr double kLow = 3, kHigh = 120;
    std::array<std::vector<float>, kBins> bins;
    const double scale = kBins / std::log(kHigh / kLow);
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double at = std::log(static_cast<double>(sample.offline[i].pt) / kLow) * scale;
        if (at >= 0 && at < kBins) bins[static_cast<std::size_t>(at)].push_back(values[i]);
    }
    PlotSeries series{name, color, false, {}};
    for (std::size_t bin = 0; bin < kBins; ++bin)
        if (!bins[bin].empty())
            series.points.push_back(
                {kLow * std::exp((static_cast<double>(bin) + 0.5) / scale), figure(bins[bin]), ""});
    return series;
}

std::string muon_pictures(const MuonSample& sample) {
    const Errors errors = raw_errors(sample);
    const auto bias = [](std::span<const float> values) { return width_of(values).bias; };
    std::vector<PlotSeries> pt_bias = {against_pt("relative pt", kBlue, sample, errors.pt, bias)};
    std::vector<PlotSeries> phi_bias = {
        against_pt("phi times charge", kRed, sample, signed_by_charge(sample, errors.phi), bias)};
    return plot::to_svg("Toy Level-1 muons against offline reconstruction",
                        {spectrum_panel(sample),
                         panel("Azimuth", "trigger - offline, units of 2 pi/576", "part per unit",
                               {histogram("phi", kBlue, errors.phi, -30, 30)}),
                         panel("Pseudorapidity", "trigger - offline, units of 0.010875",
                               "part per unit", {histogram("eta", kBlue, errors.eta, -12, 12)}),
                         panel("Relative momentum", "trigger / offline - 1", "part per unit",
                               {histogram("pt", kBlue, errors.pt, -1, 2)}),
                         {"Bias of momentum",
                          "offline pt, GeV",
                          "median",
                          pt_bias,
                          Scale::logarithmic,
                          Scale::fitted,
                          {}},
                         {"Bias of azimuth",
                          "offline pt, GeV",
                          "median, units",
                          phi_bias,
                          Scale::logarithmic,
                          Scale::fitted,
                          {}}});
}

std::string pair_pictures(const PairSample& sample) {
    std::array<std::vector<float>, 2> phi, eta, ratio;
    for (std::size_t i = 0; i < sample.size(); ++i) {
        const L1Muon &a = sample.first[i], &b = sample.second[i];
        const std::size_t kind = sample.real[i];
        phi[kind].push_back(std::abs(wrapped_phi(static_cast<float>(a.phi - b.phi))));
        eta[kind].push_back(std::abs(static_cast<float>(a.eta - b.eta)));
        ratio[kind].push_back(std::log2(static_cast<float>(a.pt) / static_cast<float>(b.pt)));
    }
    const auto both = [](const auto& values, double low, double high) {
        return std::vector<PlotSeries>{histogram("real", kBlue, values[1], low, high),
                                       histogram("fake", kRed, values[0], low, high)};
    };
    return plot::to_svg(
        "Toy pairs of muons",
        {panel("Azimuth", "difference, units", "part per unit", both(phi, 0, 288)),
         panel("Pseudorapidity", "difference, units", "part per unit", both(eta, 0, 440)),
         panel("Momentum", "log2 of the ratio", "part per unit", both(ratio, 0, 7))});
}

}  // namespace bunch::muon
