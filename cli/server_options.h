/// Which bunchd a command talks to, and calls to its control endpoint.
#pragma once

#include <google/protobuf/message_lite.h>

#include <CLI/CLI.hpp>
#include <string>

#include "client/connection.h"
#include "client/control_client.h"
#include "core/status.h"

namespace bunch {

struct ServerOptions {
    std::string endpoint = ConnectionOptions().endpoints.front();
    std::string control = {};  ///< empty: the one that belongs to `endpoint`
    double timeout_seconds = 10;

    /// Adds --endpoint, --control and --timeout.
    void add_to(CLI::App& command);

    /// A call to the control endpoint.
    Status call(ControlMethod method, const google::protobuf::MessageLite& request,
                google::protobuf::MessageLite& response) const;
};

}  // namespace bunch
