/// Symphony's deferred batch scheduling (Chen et al., "Symphony: Optimized DNN Model Serving using
/// Deferred Batch Scheduling", arXiv 2308.07470):
///
/// * A model's candidate batch is the longest run of its oldest requests that meets the deadline d
///   of the first. It may start in the window from d - l(b + 1), when no further request could
///   join in time anyway, to d - l(b).
/// * When the window opens it goes to the free device of the lowest number. When a device becomes
///   free it takes the batch with an open window that has to start first.
/// * Requests that cannot be served in time are dropped. With early drop, so are those at the head
///   that keep the batch below the size that the objective allows in steady state,
///   l(b) (1 + 1/lanes) <= objective (as in Nexus, SOSP 2019, which Symphony follows).
///
/// Symphony has one profile per model for all its devices: that of the class with the largest
/// capacity for the model. With `per_class` each class of devices has its own, and so its own
/// candidate and window. Profiles are exact; a margin takes the place of their upper quantile.
///
/// A request without deadline counts with its model's objective and is never dropped, only sent at
/// once when late; with neither it is sent at once. Not here: autoscaling, and the assignment of
/// models to sub-clusters.
#pragma once

#include <memory>

#include "bench/simulation/rivals/rule.h"

namespace bunch::simulation {

struct SymphonySettings {
    bool per_class = false;
    bool early_drop = false;
};

std::unique_ptr<Rule> make_symphony(const SymphonySettings& settings);

}  // namespace bunch::simulation
