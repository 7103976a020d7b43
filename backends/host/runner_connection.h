/// A runner that lives, and the control channel to it. What is said there is the business of
/// RunnerHost and ModelTrial.
#pragma once

#include <poll.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backends/host/launcher.h"
#include "backends/wire/messages.h"

namespace bunch {

class RunnerConnection {
  public:
    static Result<RunnerConnection> launch(Launcher& launcher, const std::string& backend,
                                           const BackendOptions& options);

    /// Never blocks. A failure of any kind but invalid_argument means that the runner is lost.
    Status send(const wire::ControlMessage& message, std::span<const int> descriptors = {});

    /// The next message, or nothing; also nothing once the channel is closed.
    /// Fails if the other end says what it may not.
    Result<std::optional<wire::ControlMessage>> receive();

    /// Whether the other end may still say something.
    bool is_open() const { return control_.is_open(); }

    /// Kills the runner and listens to it no more.
    void cut_off() {
        process_->kill();
        control_.close();
    }

    RunnerProcess& process() { return *process_; }

    void add_poll_fds(std::vector<pollfd>& fds) const;

  private:
    explicit RunnerConnection(LaunchedRunner runner)
        : process_(std::move(runner.process)), control_(std::move(runner.control)) {}

    std::unique_ptr<RunnerProcess> process_;
    Channel control_;
    std::vector<std::byte> outgoing_;
    Packet incoming_;
};

}  // namespace bunch
