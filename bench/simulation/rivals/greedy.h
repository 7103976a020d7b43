/// Greedy: a free lane takes what waits, at once and as much as it may: the oldest request of any
/// model that the lane has decides the model. The natural first form of a batching server, and what
/// every server without a delay does.
///
/// With a cap, a batch has no more rows than run in a fixed part of the model's objective on that
/// device, at least one request. A cap needs profiles, which plain greedy does not.
#pragma once

#include <memory>

#include "bench/simulation/rivals/rule.h"

namespace bunch::simulation {

struct GreedySettings {
    double cap = 0;         ///< longest run of a batch, as a part of the objective; 0: no cap
    bool expire = false;    ///< requests whose deadline has passed in the queue are dropped
    bool quickest = false;  ///< among free lanes, the first to finish, not the longest idle
};

std::unique_ptr<Rule> make_greedy(const GreedySettings& settings);

}  // namespace bunch::simulation
