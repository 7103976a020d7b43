/// Policies in scenarios, several seeds each: what one call of bunch-simulate finds out.
#pragma once

#include <string>
#include <vector>

#include "bench/simulation/policy.h"
#include "bench/simulation/scenario.h"
#include "bench/simulation/trial.h"
#include "core/result.h"

namespace bunch::simulation {

struct StudyOptions {
    std::vector<PolicyChoice> policies;
    std::uint64_t first_seed = 1;
    std::uint64_t seeds = 3;
    double resolution = .002;          ///< of a goodput
    std::optional<double> fixed_load;  ///< see Trial
    std::optional<double> fixed_rate;  ///< requests per second, in place of fixed_load
    unsigned threads = 2;
};

/// What one policy did in one scenario, one finding per seed.
struct StudyCell {
    std::vector<Finding> findings;

    double mean_figure() const;
    double mean_jain() const;
    double mean_swaps() const;
};

struct StudyRow {
    Scenario scenario;
    double bound = 0;
    std::vector<StudyCell> cells;  ///< in the order of the policies
};

struct Study {
    StudyOptions options;
    std::vector<StudyRow> rows;
};

/// `progress` is told how many of how many trials are through.
Result<Study> run_study(const std::vector<Scenario>& scenarios, const StudyOptions& options,
                        const std::function<void(std::size_t, std::size_t)>& progress);

/// Whether the figure reaches what the scenario says is to be reached, and its swaps are as many
/// as there should be. Nothing if it says nothing, or if the load was not its own.
std::optional<bool> is_beaten(const Study& study, const StudyRow& row, const StudyCell& cell);

}  // namespace bunch::simulation
