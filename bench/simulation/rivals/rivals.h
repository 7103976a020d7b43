/// The rivals by name, with the settings that each takes. docs of each are in its own header.
#pragma once

#include <string>
#include <vector>

#include "bench/simulation/goodput.h"
#include "bench/simulation/policy.h"
#include "core/result.h"

namespace bunch::simulation {

/// In the order in which tables list them.
std::vector<std::string> rival_names();

/// What makes the chosen rival; invalid_argument says which name, setting or value is wrong, and
/// what would be right. Settings that are not chosen have their defaults.
Result<PolicyMaker> rival_maker(const PolicyChoice& choice);

}  // namespace bunch::simulation
