/// Frames of the control protocol (docs/PROTOCOL.md), for both of its sides:
///     request [method][protobuf], reply [status name][message][protobuf].
/// The envelope that a ROUTER socket sees before them (routing id and, from a REQ socket, an empty
/// frame) is the business of whoever owns the socket.
#pragma once

#include <google/protobuf/message_lite.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/status.h"

namespace bunch {

enum class ControlMethod : std::uint8_t {
    server_live,
    server_ready,
    model_ready,
    server_metadata,
    model_metadata,
    model_config,
    model_statistics,
    repository_index,
    status,
    trace,
};

/// "ServerLive" and so on, as on the wire.
std::string_view name_of(ControlMethod method);
std::optional<ControlMethod> control_method_named(std::string_view name);

/// A request as it came; the body is borrowed.
struct ControlRequest {
    ControlMethod method = ControlMethod::server_live;
    std::span<const std::byte> body;

    /// Reads the body into the method's request message, or says that it is none.
    Status parse(google::protobuf::MessageLite& request) const;
};

/// Server side: the frames behind the envelope as a request. unimplemented for an unknown method,
/// invalid_argument for a wrong number of frames.
Status decode_control_request(std::span<const std::span<const std::byte>> frames,
                              ControlRequest& request);

/// The three frames of a reply.
struct ControlReply {
    std::string status;
    std::string message;
    std::string body;
};

ControlReply control_reply(const google::protobuf::MessageLite& response);
ControlReply control_failure(const Status& failure);

/// Client side: what the server said; `response` is set if that was ok. internal_error for frames
/// that are no reply.
Status decode_control_reply(std::span<const std::span<const std::byte>> frames,
                            google::protobuf::MessageLite& response);

}  // namespace bunch
