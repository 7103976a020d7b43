/// Starts runners as processes: in a session of their own (Ctrl-C at a terminal ends the daemon in
/// order, not its runners), that end with the daemon, with nothing open but stderr and the control
/// channel.
#pragma once

#include <memory>
#include <string>

#include "backends/host/launcher.h"

namespace bunch {

/// Runs `<runner_dir>/bunch-runner-<backend>`.
std::unique_ptr<Launcher> process_launcher(std::string runner_dir);

}  // namespace bunch
