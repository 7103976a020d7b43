// A comparison as text, and as JSON.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "bench/simulation/comparison.h"
#include "bench/simulation/policies.h"
#include "bench/simulation/report.h"

namespace bunch::simulation {
namespace {

using Json = nlohmann::ordered_json;

std::string figure_text(const ComparedScenario& one, double figure) {
    return one.row().scenario.measure == Measure::latency ? fmt::format("{:.1f}ms", figure)
                                                          : fmt::format("{:.3f}", figure);
}

std::string row_text(const Comparison& comparison, const ComparedScenario& one, std::size_t width) {
    const StudyRow& row = one.row();
    std::string text = fmt::format("{:<12}", row.scenario.name);
    text += fmt::format("{:>9}", row.scenario.beat ? figure_text(one, *row.scenario.beat) : "");
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
        const bool reached = is_beaten(one.study, row, row.cells[i]).value_or(false);
        text +=
            fmt::format("{:>{}}{}", figure_text(one, one.figure(i)), width, reached ? '*' : ' ');
    }
    const std::string difference = row.scenario.measure == Measure::latency
                                       ? fmt::format("{:+.1f}ms", one.difference())
                                       : fmt::format("{:+.3f}", one.difference());
    return text + fmt::format("{:>10} to {}\n", difference, comparison.names[one.best_rival()]);
}

Json json_of(const Summary& summary, const std::vector<std::string>& names) {
    Json means = Json::object();
    for (std::size_t i = 0; i < names.size(); ++i) means[names[i]] = summary.means[i];
    return {{"pools", summary.pools},
            {"means", means},
            {"best_rival", names[summary.best_rival]},
            {"mean_difference", summary.means[0] - summary.means[summary.best_rival]},
            {"worst_difference", summary.worst_difference},
            {"worst_pool", summary.worst_pool},
            {"best_or_tied", summary.best_or_tied}};
}

Json json_of(const std::vector<LoadPoint>& points) {
    Json json = Json::array();
    for (const LoadPoint& point : points)
        json.push_back({{"load", point.load},
                        {"kept", point.kept},
                        {"p50_seconds", point.p50},
                        {"p99_seconds", point.p99}});
    return json;
}

Json json_of(const ComparedScenario& one, const std::vector<std::string>& names) {
    Json json = Json::parse(to_json(one.study))["scenarios"][0];
    json["is_random"] = one.row().scenario.is_random;
    json["best_rival"] = names[one.best_rival()];
    json["difference"] = one.difference();
    for (std::size_t i = 0; i < names.size(); ++i) {
        json["policies"][i]["name"] = names[i];
        if (!one.curves.empty()) json["policies"][i]["load_curve"] = json_of(one.curves[i]);
    }
    return json;
}

}  // namespace

std::string to_table(const Comparison& comparison) {
    std::size_t width = 8;
    for (const std::string& name : comparison.names) width = std::max(width, name.size());
    ++width;
    std::string text = fmt::format("{:<12}{:>9}", "scenario", "beat");
    for (const std::string& name : comparison.names) text += fmt::format("{:>{}} ", name, width);
    text += "   bunchd against the best rival\n";
    for (const ComparedScenario& one : comparison.scenarios)
        text += row_text(comparison, one, width);
    const std::optional<Summary> summary = summary_of_pools(comparison);
    if (!summary) return text;
    text += fmt::format("{:<21}", fmt::format("mean of {} pools", summary->pools));
    for (const double mean : summary->means) text += fmt::format("{:>{}.3f} ", mean, width);
    const std::string& rival = comparison.names[summary->best_rival];
    text += fmt::format("{:>+10.3f} to {}\n",
                        summary->means[0] - summary->means[summary->best_rival], rival);
    return text + fmt::format(
                      "Over {} random pools bunchd is best or tied (within {}) in {}; at worst "
                      "{:+.3f} to the best rival, in {}.\n",
                      summary->pools, kTie, summary->best_or_tied, summary->worst_difference,
                      summary->worst_pool);
}

std::string to_json(const Comparison& comparison, const std::string& command) {
    Json json{{"command", command}, {"policies", comparison.names}, {"scenarios", Json::array()}};
    for (const ComparedScenario& one : comparison.scenarios)
        json["scenarios"].push_back(json_of(one, comparison.names));
    if (const std::optional<Summary> summary = summary_of_pools(comparison))
        json["random_pools"] = json_of(*summary, comparison.names);
    return json.dump(1) + '\n';
}

}  // namespace bunch::simulation
