/// A Status in the terms of each protocol. The only place where codes are translated; the ZeroMQ
/// protocol uses the names of core/status.h as they are.
#pragma once

#include "core/status.h"

namespace bunch {

/// The number of a gRPC status: 0 for ok, 3 for INVALID_ARGUMENT and so on.
int grpc_number(StatusCode code);

/// The HTTP status code: 200 for ok, 400, 404, 429, 500, 503, 504 ... No answer is sent to a client
/// that cancelled; 499 is what logs and metrics call it.
int http_code(StatusCode code);

}  // namespace bunch
