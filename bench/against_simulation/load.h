/// The requests of a scenario, sent to a real daemon at the times at which the simulator has them.
#pragma once

#include <chrono>
#include <string>

#include "bench/simulation/result.h"
#include "bench/simulation/scenario.h"
#include "core/result.h"

namespace bunch::against {

struct LoadOptions {
    double rate = 0;  ///< as of simulation::run_world()
    std::uint64_t seed = 1;
    Duration patience = std::chrono::seconds(2);  ///< for the last answers
};

/// Sends from one thread over one connection; every client of a farm has its own name. Takes as
/// long as the scenario's span. Latencies count from when a request was to be sent, so a late
/// sender does not flatter the daemon. Models, tenants, events and requests of the result are
/// filled in, batches are not.
Result<simulation::RunResult> play(const simulation::Scenario& scenario,
                                   const std::string& endpoint, const LoadOptions& options);

}  // namespace bunch::against
