/// One run of a scenario in virtual time: draws the requests, asks the policy, and does with its
/// decisions what devices would. Everything random comes from the seed, and what arrives does not
/// depend on the policy. Not the search for the highest rate, see goodput.h.
#pragma once

#include <cstdint>

#include "bench/simulation/policy.h"
#include "bench/simulation/result.h"
#include "bench/simulation/scenario.h"

namespace bunch::simulation {

struct RunOptions {
    double rate = 0;  ///< open loop: requests per second of a tenant with load 1, over all models
    std::uint64_t seed = 1;
};

/// Ends when every request has ended, or 10 s (virtual) after the scenario's span.
RunResult run_world(const Scenario& scenario, Policy& policy, const RunOptions& options);

/// What the policies are told by know(): the true curves.
std::vector<Profile> profiles_of(const Scenario& scenario);

}  // namespace bunch::simulation
