/// The file that keeps what tuning has found, so that comparisons need not search again.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bench/simulation/tuning.h"
#include "core/result.h"

namespace bunch::simulation {

/// `command` is what found them (last), for whoever reads the file.
std::string to_toml(const std::vector<BestSetting>& settings, const std::string& command);

/// Errors name the file, the line and what would be right.
Result<std::vector<BestSetting>> parse_best_settings(std::string_view text,
                                                     const std::string& name);
Result<std::vector<BestSetting>> load_best_settings(const std::string& path);

/// `found`, and before them those of `old` that are of other scenarios.
std::vector<BestSetting> merged(std::vector<BestSetting> old,
                                const std::vector<BestSetting>& found);

/// The contender's choice for the scenario; not_found says how to find it.
Result<PolicyChoice> best_for(const std::vector<BestSetting>& settings, const std::string& scenario,
                              const std::string& contender);

}  // namespace bunch::simulation
