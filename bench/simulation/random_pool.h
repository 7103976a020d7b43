/// Pools that nobody has chosen: whether an improvement is real is decided outside the scenarios
/// that everything was tried on.
#pragma once

#include <cstdint>

#include "bench/simulation/scenario.h"

namespace bunch::simulation {

/// How many pools the comparison takes: seeds 1 to this.
inline constexpr std::uint64_t kRandomPools = 24;

/// One to four classes of devices like FPGAs (a row at a time, flat cost), GPUs (a large fixed
/// cost, lanes that contend) or CPUs (nearly no fixed cost); one to eight models, each on some of
/// them, with objectives of 1.5 to 10 times the run of a full batch where the model has most
/// capacity; Poisson arrivals or bursts, sometimes several rows per request or second slots with
/// copies that cost time. Measured is goodput. Equal seeds give equal pools.
Scenario random_pool(std::uint64_t seed);

}  // namespace bunch::simulation
