/// The highest rate at which a policy keeps the objectives of a scenario.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "bench/simulation/policy.h"
#include "bench/simulation/result.h"
#include "bench/simulation/scenario.h"

namespace bunch::simulation {

/// A new policy for a run with this seed.
using PolicyMaker = std::function<std::unique_ptr<Policy>(std::uint64_t seed)>;

struct GoodputOptions {
    double bound = 0;          ///< requests per second
    double resolution = .002;  ///< of the answer, as a fraction of the bound
    std::uint64_t seed = 1;
};

/// Whether at least 99 % of all requests, and 97 % of each model's, were answered in objective.
bool keeps_objectives(const RunResult& result);

struct Goodput {
    double part = 0;  ///< of the bound
    RunResult run;    ///< at that rate; empty if not even the lowest rate was kept
};

/// By bisection between 0 and 1.1 of the bound.
Goodput goodput_of(const Scenario& scenario, const PolicyMaker& maker,
                   const GoodputOptions& options);

}  // namespace bunch::simulation
