/// Policies by name.
#pragma once

#include <string>
#include <vector>

#include "bench/simulation/goodput.h"
#include "bench/simulation/policy.h"
#include "core/result.h"

namespace bunch::simulation {

/// Makes the chosen policy; invalid_argument says which name or setting is not known, and what is.
Result<PolicyMaker> policy_maker(const PolicyChoice& choice);

/// "triton:delay_ms=2,cap=32" as a choice; invalid_argument if it is not of that form.
Result<PolicyChoice> parse_choice(const std::string& text);

/// The form that parse_choice() reads.
std::string to_text(const PolicyChoice& choice);

}  // namespace bunch::simulation
