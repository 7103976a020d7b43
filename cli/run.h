/// The command line `bunch` as a function, so that tests can call it.
#pragma once

#include "cli/commands.h"

namespace bunch {

/// Reads the arguments and does what they say. Returns the exit code: 0 done, 1 failed, 2 used
/// wrongly.
int run(int argc, const char* const* argv, Console console);

}  // namespace bunch
