/// A runner's life: it offers its device on the control channel, opens lanes, loads and unloads
/// models, and ends when told to or when the daemon is gone. Batches are lane_thread.h.
#pragma once

#include <functional>
#include <memory>

#include "backends/runner/backend.h"
#include "backends/wire/channel.h"

namespace bunch {

/// The exit code of a runner that cannot offer a device on this host (EX_CONFIG).
inline constexpr int kExitRefused = 78;

/// Serves on `control` until Stop (returns 0), until the channel closes or the daemon breaks the
/// protocol (1), or right away when `make` fails (kExitRefused, once the daemon has been told why).
/// Runs on the calling thread, with one further thread per lane; they have ended on return.
int serve(Channel control, const std::function<Result<std::unique_ptr<Backend>>()>& make);

/// The main() of a runner program: reads the command line that the daemon gives it, and serves.
int runner_main(int argc, char** argv, BackendFactory factory);

}  // namespace bunch
