/// The project's own Scheduler as a policy of the simulator.
#pragma once

#include <cstdint>
#include <memory>

#include "bench/simulation/policy.h"

namespace bunch::simulation {

std::unique_ptr<Policy> make_bunchd_policy(std::uint64_t seed);

}  // namespace bunch::simulation
