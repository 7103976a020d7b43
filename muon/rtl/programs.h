/// Programs of others that are started: Verilator, Yosys.
#pragma once

#include <string>

#include "core/result.h"

namespace bunch::muon {

/// Whether a program is in the PATH.
bool has_program(const std::string& name);

/// unavailable, with the package of that name as the remedy, if it is not.
Status need_program(const std::string& name);

/// A word as the shell takes it literally.
std::string quoted(const std::string& word);

/// What a command prints, both streams; internal with the end of that if it fails.
Result<std::string> output_of(const std::string& command);

}  // namespace bunch::muon
