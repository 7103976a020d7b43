/// How a runner comes to life. The daemon's launcher starts a process (process_launcher.h); tests
/// run the same serve() on a thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "backends/wire/channel.h"
#include "backends/wire/device.h"
#include "core/result.h"

namespace bunch {

/// How a runner ended: by itself, or by a signal (then `signal` is not 0).
struct RunnerExit {
    int code = 0;
    int signal = 0;

    /// "exited with code 3", "was killed by signal 9 (Killed)"
    std::string to_string() const;
};

/// A runner on its way. The destructor kills it and waits until it is gone.
class RunnerProcess {
  public:
    virtual ~RunnerProcess() = default;

    /// For poll: readable once the runner has ended.
    virtual int exit_fd() const = 0;

    /// How it ended, once it has; never blocks. Gives the same answer ever after.
    virtual std::optional<RunnerExit> exited() = 0;

    /// Asks it to end (SIGTERM).
    virtual void terminate() = 0;

    /// Ends it (SIGKILL).
    virtual void kill() = 0;
};

struct LaunchedRunner {
    std::unique_ptr<RunnerProcess> process;
    Channel control;
};

/// Used on one thread. With the process launcher that thread must outlive the runners: they die
/// with it.
class Launcher {
  public:
    virtual ~Launcher() = default;

    /// Starts the runner of `backend`. Fails with a sentence that says what is missing.
    virtual Result<LaunchedRunner> launch(const std::string& backend,
                                          const BackendOptions& options) = 0;
};

}  // namespace bunch
