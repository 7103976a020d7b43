/// A scenario as the text of a scenario file. The way back is scenario_file.h.
#pragma once

#include <string>

#include "bench/simulation/scenario.h"

namespace bunch::simulation {

/// What parse_scenarios() reads as this scenario, except that times have whole nanoseconds.
std::string to_toml(const Scenario& scenario);

}  // namespace bunch::simulation
