#include "cli/server_options.h"

namespace bunch {

void ServerOptions::add_to(CLI::App& command) {
    command.add_option("--endpoint", endpoint, "Data endpoint of the daemon")
        ->capture_default_str();
    command.add_option("--control", control,
                       "Control endpoint (default: the data endpoint with 'control' for 'data')");
    command.add_option("--timeout", timeout_seconds, "Seconds to wait for an answer")
        ->check(CLI::Range(0.001, 86400.0))
        ->capture_default_str();
}

Status ServerOptions::call(ControlMethod method, const google::protobuf::MessageLite& request,
                           google::protobuf::MessageLite& response) const {
    const std::string where = control.empty() ? control_endpoint_for(endpoint) : control;
    if (where.empty())
        return invalid_argument("no control endpoint follows from '" + endpoint +
                                "': give it with --control");
    return call_control(where, method, request, response, from_seconds(timeout_seconds));
}

}  // namespace bunch
