/// Reads a configuration file. All problems are found at once, each as a line for the operator:
///
///     bunchd.toml:14: max_linger = "5" has no unit (write "5us", "5ms" or "5s")
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.h"

namespace bunch {

/// Lines in the order of the file, each "file:line: key = value ... (what would be right)".
using ConfigProblems = std::vector<std::string>;

/// A configuration that is usable as it is, or everything that is wrong with it (never empty).
using ConfigResult = std::variant<Config, ConfigProblems>;

/// Reads and checks the file. Model paths are taken from the file's folder.
ConfigResult load_config(const std::string& path);

/// The same for text in memory; `name` is how problems call it, and relative paths in the text
/// start from the folder in `name`.
ConfigResult parse_config(std::string_view text, const std::string& name);

/// Every key that a file may contain, as "limits.max_open_calls" or "model.inputs.shape", sorted.
/// The documentation and the example are checked against it.
std::vector<std::string> config_keys();

}  // namespace bunch
