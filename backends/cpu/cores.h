/// Which cores lanes run on.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace bunch::cpu {

/// Cores that this process may run on, ascending; never empty.
std::vector<unsigned> usable_cores();

/// A list as taskset and cpusets write it: "0-3,8". `invalid_argument` where it is none, names a
/// core twice, or names one that this process may not use.
Result<std::vector<unsigned>> parse_cores(std::string_view text);

/// From now on the calling thread, and those that it starts, run on `cores` only. Nothing if
/// `cores` is empty.
void stay_on(std::span<const unsigned> cores);

}  // namespace bunch::cpu
