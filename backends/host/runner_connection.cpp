#include "backends/host/runner_connection.h"

#include <utility>

namespace bunch {

Result<RunnerConnection> RunnerConnection::launch(Launcher& launcher, const std::string& backend,
                                                  const BackendOptions& options) {
    BUNCH_ASSIGN_OR_RETURN(LaunchedRunner runner, launcher.launch(backend, options));
    return RunnerConnection(std::move(runner));
}

Status RunnerConnection::send(const wire::ControlMessage& message,
                              std::span<const int> descriptors) {
    if (!is_open()) return unavailable("the runner has closed its control channel");
    BUNCH_RETURN_IF_ERROR(wire::encode(message, outgoing_));
    return control_.send(outgoing_, descriptors);
}

Result<std::optional<wire::ControlMessage>> RunnerConnection::receive() {
    if (!is_open()) return std::optional<wire::ControlMessage>();
    BUNCH_ASSIGN_OR_RETURN(const Received received, control_.receive(incoming_));
    if (received == Received::closed) control_.close();
    if (received != Received::message) return std::optional<wire::ControlMessage>();
    BUNCH_ASSIGN_OR_RETURN(wire::ControlMessage message, wire::decode_control(incoming_.bytes()));
    return std::optional<wire::ControlMessage>(std::move(message));
}

void RunnerConnection::add_poll_fds(std::vector<pollfd>& fds) const {
    fds.push_back({process_->exit_fd(), POLLIN, 0});
    if (is_open()) fds.push_back({control_.fd(), POLLIN, 0});
}

}  // namespace bunch
