/// The best that the curves of a scenario allow, as a linear programme: no arrival is random, no
/// batch is ever short of rows, and nothing is said of when. No policy can reach more.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/simulation/scenario.h"
#include "core/result.h"

namespace bunch::simulation {

struct Bound {
    double rate = 0;  ///< requests per second, all models together, in the scenario's mix
};

/// Speeds are those at the start of the run; reconfigurable devices keep what they hold. A batch
/// whose run alone is longer than the model's objective is not used. A farm's population bounds
/// the rate too (Little's law).
Result<Bound> bound_of(const Scenario& scenario);

}  // namespace bunch::simulation
