#include "bench/simulation/plots.h"

#include <algorithm>
#include <array>
#include <functional>
#include <nlohmann/json.hpp>

#include "bench/plot/plot.h"

namespace bunch::simulation {
namespace {

using Json = nlohmann::json;
using plot::PlotPanel;
using plot::PlotSeries;
using plot::Scale;

// By policy, in the order of the comparison; bunchd is the first.
constexpr std::array kColors = {"#d62728", "#7f7f7f", "#17becf", "#2ca02c",
                                "#bcbd22", "#9467bd", "#ff9ff3", "#1f77b4"};

PlotSeries series_of(const Json& json, std::size_t policy) {
    PlotSeries series;
    series.name = json.at("policies").at(policy);
    series.color = kColors[policy % kColors.size()];
    if (policy == 0) series.radius = 5;
    return series;
}

/// Dots by policy over the scenarios that `is_wanted`, of the number `key` of each policy.
PlotPanel dots(const Json& json, const std::string& title, const std::string& y_label,
               const char* key, const std::function<bool(const Json&)>& is_wanted) {
    PlotPanel panel{title, "", y_label, {}, Scale::categories, Scale::linear, {}};
    for (std::size_t i = 0; i < json.at("policies").size(); ++i)
        panel.series.push_back(series_of(json, i));
    for (const Json& scenario : json.at("scenarios")) {
        if (!is_wanted(scenario)) continue;
        const auto place = static_cast<double>(panel.categories.size());
        panel.categories.push_back(scenario.at("name"));
        for (std::size_t i = 0; i < panel.series.size(); ++i)
            panel.series[i].points.push_back({place, scenario.at("policies").at(i).at(key), ""});
    }
    return panel;
}

void add_goodput(const Json& json, std::vector<Picture>& pictures) {
    std::vector<PlotPanel> panels;
    for (const bool random : {false, true}) {
        PlotPanel panel = dots(json, random ? "random pools" : "scenarios", "part of the bound",
                               "figure", [&](const Json& scenario) {
                                   const std::string measure = scenario.at("measure");
                                   return scenario.at("is_random") == random &&
                                          (measure == "goodput" || measure == "events");
                               });
        if (!panel.categories.empty()) panels.push_back(std::move(panel));
    }
    if (panels.empty()) return;
    pictures.push_back(
        {"goodput.svg", plot::to_svg("Goodput, rivals at their best settings", panels)});
}

void add_fairness(const Json& json, std::vector<Picture>& pictures) {
    const auto has_tenants = [](const Json& scenario) {
        return scenario.at("measure") == "tenants";
    };
    std::vector<PlotPanel> panels{
        dots(json, "of those who do not flood", "part answered in objective", "figure",
             has_tenants),
        dots(json, "of what each got of its share", "Jain's index", "jain", has_tenants)};
    if (panels.front().categories.empty()) return;
    pictures.push_back({"fairness.svg", plot::to_svg("Tenants while one floods", panels)});
}

PlotPanel latency_panel(const Json& json, const Json& scenario, const char* quantile) {
    PlotPanel panel{
        quantile, "load, part of the bound", "latency, ms", {}, Scale::linear, Scale::logarithmic,
        {}};
    for (std::size_t i = 0; i < json.at("policies").size(); ++i) {
        PlotSeries series = series_of(json, i);
        for (const Json& point : scenario.at("policies").at(i).at("load_curve")) {
            const double seconds = point.at(std::string(quantile) + "_seconds");
            if (seconds > 0) series.points.push_back({point.at("load"), 1e3 * seconds, ""});
        }
        panel.series.push_back(std::move(series));
    }
    return panel;
}

void add_latency(const Json& json, std::vector<Picture>& pictures) {
    for (const Json& scenario : json.at("scenarios")) {
        if (!scenario.at("policies").at(0).contains("load_curve")) continue;
        std::string name = scenario.at("name");
        const std::string svg = plot::to_svg(
            "Latency of answered requests in " + name,
            {latency_panel(json, scenario, "p50"), latency_panel(json, scenario, "p99")});
        std::replace(name.begin(), name.end(), ' ', '_');
        pictures.push_back({"latency_" + name + ".svg", svg});
    }
}

}  // namespace

Result<std::vector<Picture>> pictures_of(const std::string& comparison_json) {
    std::vector<Picture> pictures;
    try {
        const Json json = Json::parse(comparison_json);
        add_goodput(json, pictures);
        add_latency(json, pictures);
        add_fairness(json, pictures);
    } catch (const Json::exception& error) {
        return invalid_argument(std::string("this is not the JSON of a comparison (write one with "
                                            "bunch-simulate --compare --json): ") +
                                error.what());
    }
    return pictures;
}

}  // namespace bunch::simulation
