/// Calls to a bunchd's control endpoint: health, metadata, statistics. Blocking and rare; nothing
/// of the data path.
#pragma once

#include <google/protobuf/message_lite.h>

#include <string>

#include "core/status.h"
#include "core/time.h"
#include "protocol/control.h"

namespace bunch {

/// Sends `request` and fills `response`. Each call makes its own connection. unavailable when there
/// is no answer within `timeout`; otherwise what the server says.
Status call_control(const std::string& endpoint, ControlMethod method,
                    const google::protobuf::MessageLite& request,
                    google::protobuf::MessageLite& response, Duration timeout);

/// The control endpoint that belongs to a data endpoint by default: "data" in its last part
/// becomes "control". Empty if there is no "data" in it.
std::string control_endpoint_for(const std::string& data_endpoint);

}  // namespace bunch
