/// The search for each contender's best setting in each scenario.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bench/simulation/contenders.h"
#include "bench/simulation/policy.h"
#include "bench/simulation/scenario.h"
#include "core/result.h"

namespace bunch::simulation {

struct TuningOptions {
    std::uint64_t seed = 1;
    double resolution = .005;  ///< of a goodput
    std::uint32_t passes = 2;
    unsigned threads = 2;
};

struct BestSetting {
    std::string scenario;
    std::string contender;
    PolicyChoice choice;
    double figure = 0;  ///< what it reached; see Measure
};

/// One setting at a time is tried at all its values while the others keep their best, and again in
/// further passes. By scenario, then in the order of contenders(). `progress` is told how many of
/// how many rounds of trials are through.
Result<std::vector<BestSetting>> tune(
    const std::vector<Scenario>& scenarios, const TuningOptions& options,
    const std::function<void(std::size_t, std::size_t)>& progress);

/// Whether a figure is better than another in this scenario: more, or less of a latency.
bool is_better(const Scenario& scenario, double figure, double than);

}  // namespace bunch::simulation
