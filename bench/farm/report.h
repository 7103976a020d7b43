/// Results for people (tables, plot) and programs (JSON).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/farm/result.h"

namespace bunch::farm {

/// "1.24 ms", "388 us": three digits.
std::string time_text(double seconds);
/// "27.1", "163,000": three digits, thousands apart.
std::string rate_text(double per_second);

/// One table per phase, then what is to be learnt from them.
std::string to_table(const std::vector<PhaseResult>& results);

/// Latency against throughput, of the phases that have curves.
std::string to_plot(const std::vector<PhaseResult>& results);

/// One object; times are seconds.
std::string to_json(const std::vector<PhaseResult>& results, std::uint64_t seed);

}  // namespace bunch::farm
