/// A trace as a scenario of the simulator: the requests that came, on devices whose run times are
/// what the daemon had learnt of them by the end. Clients do not wait for answers in it: what came
/// then comes now, whatever the policy makes of it.
#pragma once

#include <string>
#include <vector>

#include "bench/simulation/scenario.h"
#include "core/result.h"
#include "scheduler/trace.h"

namespace bunch::replay {

struct TracedScenario {
    simulation::Scenario scenario;
    std::vector<std::string> notes;  ///< what of the trace is not in it; for the reader
};

/// invalid_argument for a trace that is broken, or has no requests or devices with known run times.
Result<TracedScenario> scenario_of(const trace::File& file);

}  // namespace bunch::replay
