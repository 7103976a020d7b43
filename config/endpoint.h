/// Checks of addresses to listen on, so that a mistake is found with its line and not by a socket.
#pragma once

#include <string_view>

#include "core/status.h"

namespace bunch {

/// "ipc:///path", "ipc://@name" or "tcp://address:port". The error is the end of a sentence that
/// begins with the endpoint.
Status check_endpoint(std::string_view endpoint);

/// "address:port", as for HTTP; errors as above.
Status check_address(std::string_view address);

/// Whether only this machine can reach it: ipc, 127.x.x.x, [::1], localhost.
bool is_local_endpoint(std::string_view endpoint);
bool is_local_address(std::string_view address);

}  // namespace bunch
