/// A scenario of the simulator as the configuration of a real daemon, whose devices are run by
/// bunch-runner-simulated.
#pragma once

#include <string>

#include "bench/simulation/scenario.h"
#include "core/status.h"

namespace bunch::against {

/// unimplemented with what of the scenario a runner cannot stand for: contention of lanes, changes
/// of speed, failures, stalls, copies that take as long as one says, reconfiguration.
Status check_supported(const simulation::Scenario& scenario);

/// The text of a configuration with sockets and state in `folder` (absolute).
std::string daemon_config(const simulation::Scenario& scenario, const std::string& folder);

/// Where the daemon of that configuration listens.
std::string data_endpoint(const std::string& folder);
std::string control_endpoint(const std::string& folder);

}  // namespace bunch::against
