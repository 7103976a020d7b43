/// Earliest deadline first: a free lane takes the model whose oldest request has the earliest
/// deadline, and as many of its rows as still meet that deadline; if not even one does, as many as
/// it may. The classic rule of real-time systems (Liu and Layland, 1973) with batches.
///
/// A request without deadline counts with its model's objective, or comes last. Deadlines are taken
/// to be in order within a model.
#pragma once

#include <memory>

#include "bench/simulation/rivals/rule.h"

namespace bunch::simulation {

struct EdfSettings {
    bool drop = false;      ///< requests that no device can finish in time are dropped
    bool quickest = false;  ///< among free lanes, the first to finish, not the longest idle
};

std::unique_ptr<Rule> make_edf(const EdfSettings& settings);

}  // namespace bunch::simulation
