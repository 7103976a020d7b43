/// bunchd against every contender, each at its best setting for the scenario.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bench/simulation/best_settings.h"
#include "bench/simulation/study.h"
#include "core/result.h"

namespace bunch::simulation {

struct ComparisonOptions {
    StudyOptions study;                    ///< its policies are not read
    std::vector<std::string> curves_of{};  ///< scenarios whose latency is measured at `loads`
    std::vector<double> loads{.1, .2, .3, .4, .5, .6, .7, .8, .9, 1};  ///< of the bound
};

/// A policy's answers at one load, all seeds together.
struct LoadPoint {
    double load = 0;
    double kept = 0;  ///< part in objective
    double p50 = 0;   ///< seconds
    double p99 = 0;   ///< seconds
};

struct ComparedScenario {
    Study study;  ///< of one scenario, its policies in the order of Comparison::names
    std::vector<std::vector<LoadPoint>> curves{};  ///< by policy; may be empty

    const StudyRow& row() const { return study.rows.front(); }
    double figure(std::size_t policy) const { return row().cells[policy].mean_figure(); }
    /// The best policy beside the first, which is bunchd.
    std::size_t best_rival() const;
    /// By how much bunchd is better than that; below zero if it is worse.
    double difference() const;
};

struct Comparison {
    std::vector<std::string> names;  ///< of the policies: bunchd, then the contenders
    std::vector<ComparedScenario> scenarios;
};

/// not_found if a scenario has no best settings.
Result<Comparison> compare(const std::vector<Scenario>& scenarios,
                           const std::vector<BestSetting>& settings,
                           const ComparisonOptions& options,
                           const std::function<void(std::size_t, std::size_t)>& progress);

/// What the random pools among the scenarios say together.
struct Summary {
    std::size_t pools = 0;
    std::vector<double> means{};  ///< by policy
    std::size_t best_rival = 0;   ///< the policy with the highest mean beside bunchd
    double worst_difference = 0;
    std::string worst_pool;
    std::size_t best_or_tied = 0;  ///< pools in which bunchd is at most kTie below the best rival
};
inline constexpr double kTie = .005;

/// Nothing if no random pool was compared.
std::optional<Summary> summary_of_pools(const Comparison& comparison);

/// Scenarios down, policies across, with the best rival of each; then the summary.
std::string to_table(const Comparison& comparison);

/// Everything, for other programs. `command` is what made it.
std::string to_json(const Comparison& comparison, const std::string& command);

}  // namespace bunch::simulation
