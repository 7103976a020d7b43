/// Reads a scenario file. All problems are found at once, each as a line for the person who wrote
/// it:
///
///     pool.toml:14: fixed = "5" has no unit (write "5us", "5ms" or "5s")
///
/// bench/README.md says what the keys mean.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "bench/simulation/scenario.h"

namespace bunch::simulation {

using ScenarioProblems = std::vector<std::string>;

/// One scenario, or one per [[case]] of the file; or what is wrong with it. Neither is empty.
using ScenarioResult = std::variant<std::vector<Scenario>, ScenarioProblems>;

ScenarioResult load_scenarios(const std::string& path);

/// The same for text in memory; `name` is how problems call it.
ScenarioResult parse_scenarios(std::string_view text, const std::string& name);

}  // namespace bunch::simulation
