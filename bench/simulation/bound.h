/// The best that the curves of a scenario allow, as a linear programme: no arrival is random, no
/// batch is ever short of rows, and nothing is said of when. No policy can reach more for long.
#pragma once

#include "bench/simulation/scenario.h"
#include "core/result.h"

namespace bunch::simulation {

/// Requests per second, all models together, in the scenario's mix; of a farm, rounds per second.
/// Speeds are those at the start of the run; reconfigurable devices keep what they hold. A batch
/// whose run alone is longer than its deadline is not used. A farm's population bounds
/// the rate too (Little's law). Other kinds of bound, see BoundKind, are for closed
/// loops only.
Result<double> bound_of(const Scenario& scenario);

}  // namespace bunch::simulation
