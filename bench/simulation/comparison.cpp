#include "bench/simulation/comparison.h"

#include <algorithm>
#include <utility>

#include "bench/simulation/policies.h"

namespace bunch::simulation {
namespace {

/// The policies of one scenario: bunchd, and each contender at its best.
Result<std::vector<PolicyChoice>> choices_for(const Scenario& scenario,
                                              const std::vector<BestSetting>& settings) {
    std::vector<PolicyChoice> choices{{"bunchd", {}}};
    for (const Contender& contender : contenders()) {
        BUNCH_ASSIGN_OR_RETURN(PolicyChoice choice,
                               best_for(settings, scenario.name, contender.name));
        choices.push_back(std::move(choice));
    }
    return choices;
}

LoadPoint point_of(const std::vector<Finding>& findings, double load) {
    LoadPoint point{load, 0, 0, 0};
    Latencies latencies;
    for (const Finding& finding : findings) {
        latencies.add(finding.run.latencies());
        point.kept += finding.figure / static_cast<double>(findings.size());
    }
    point.p50 = to_seconds(latencies.quantile(.5));
    point.p99 = to_seconds(latencies.quantile(.99));
    return point;
}

Status add_curves(ComparedScenario& compared, const ComparisonOptions& options) {
    compared.curves.resize(compared.row().cells.size());
    for (const double load : options.loads) {
        StudyOptions at_load = compared.study.options;
        at_load.fixed_load = load;
        BUNCH_ASSIGN_OR_RETURN(const Study study, run_study({compared.row().scenario}, at_load,
                                                            [](std::size_t, std::size_t) {}));
        for (std::size_t i = 0; i < compared.curves.size(); ++i)
            compared.curves[i].push_back(point_of(study.rows.front().cells[i].findings, load));
    }
    return ok_status();
}

}  // namespace

std::size_t ComparedScenario::best_rival() const {
    std::size_t best = 1;
    for (std::size_t i = 2; i < row().cells.size(); ++i)
        if (is_better(row().scenario, figure(i), figure(best))) best = i;
    return best;
}

double ComparedScenario::difference() const {
    const double difference = figure(0) - figure(best_rival());
    return row().scenario.measure == Measure::latency ? -difference : difference;
}

Result<Comparison> compare(const std::vector<Scenario>& scenarios,
                           const std::vector<BestSetting>& settings,
                           const ComparisonOptions& options,
                           const std::function<void(std::size_t, std::size_t)>& progress) {
    // What is missing is to be known before the first hour has passed.
    std::vector<StudyOptions> studies;
    for (const Scenario& scenario : scenarios) {
        studies.push_back(options.study);
        BUNCH_ASSIGN_OR_RETURN(studies.back().policies, choices_for(scenario, settings));
    }
    Comparison comparison{{"bunchd"}, {}};
    for (const Contender& contender : contenders()) comparison.names.push_back(contender.name);
    for (std::size_t i = 0; i < scenarios.size(); ++i) {
        BUNCH_ASSIGN_OR_RETURN(
            Study study, run_study({scenarios[i]}, studies[i], [](std::size_t, std::size_t) {}));
        ComparedScenario compared{std::move(study), {}};
        const auto& wanted = options.curves_of;
        if (std::find(wanted.begin(), wanted.end(), scenarios[i].name) != wanted.end())
            BUNCH_RETURN_IF_ERROR(add_curves(compared, options));
        comparison.scenarios.push_back(std::move(compared));
        progress(i + 1, scenarios.size());
    }
    return comparison;
}

std::optional<Summary> summary_of_pools(const Comparison& comparison) {
    Summary summary;
    summary.means.resize(comparison.names.size());
    for (const ComparedScenario& one : comparison.scenarios) {
        if (!one.row().scenario.is_random) continue;
        for (std::size_t i = 0; i < summary.means.size(); ++i) summary.means[i] += one.figure(i);
        const double difference = one.difference();
        if (summary.pools == 0 || difference < summary.worst_difference) {
            summary.worst_difference = difference;
            summary.worst_pool = one.row().scenario.name;
        }
        if (difference >= -kTie) ++summary.best_or_tied;
        ++summary.pools;
    }
    if (summary.pools == 0) return std::nullopt;
    for (double& mean : summary.means) mean /= static_cast<double>(summary.pools);
    const auto best = std::max_element(summary.means.begin() + 1, summary.means.end());
    summary.best_rival = static_cast<std::size_t>(best - summary.means.begin());
    return summary;
}

}  // namespace bunch::simulation
