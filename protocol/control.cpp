#include "protocol/control.h"

#include <array>

namespace bunch {
namespace {

constexpr std::array<std::string_view, 10> kMethods = {
    "ServerLive",  "ServerReady",     "ModelReady",      "ServerMetadata", "ModelMetadata",
    "ModelConfig", "ModelStatistics", "RepositoryIndex", "Status",         "Trace"};

constexpr std::size_t kMaxControlBytes = std::size_t{1} << 20;

std::string_view text_of(std::span<const std::byte> frame) {
    return {reinterpret_cast<const char*>(frame.data()), frame.size()};
}

std::string all_methods() {
    std::string text;
    for (const std::string_view method : kMethods) {
        if (!text.empty()) text += ", ";
        text += method;
    }
    return text;
}

}  // namespace

std::string_view name_of(ControlMethod method) {
    const auto index = static_cast<std::size_t>(method);
    return index < kMethods.size() ? kMethods[index] : "unknown";
}

std::optional<ControlMethod> control_method_named(std::string_view name) {
    for (std::size_t i = 0; i < kMethods.size(); ++i)
        if (kMethods[i] == name) return static_cast<ControlMethod>(i);
    return std::nullopt;
}

Status ControlRequest::parse(google::protobuf::MessageLite& request) const {
    if (body.size() <= kMaxControlBytes &&
        request.ParseFromArray(body.data(), static_cast<int>(body.size())))
        return {};
    return invalid_argument("the body of " + std::string(name_of(method)) + " is no " +
                            request.GetTypeName());
}

Status decode_control_request(std::span<const std::span<const std::byte>> frames,
                              ControlRequest& request) {
    if (frames.empty() || frames.size() > 2) {
        return invalid_argument("a control request has two frames, method and body; this one has " +
                                std::to_string(frames.size()));
    }
    const auto method = control_method_named(text_of(frames[0]));
    if (!method) return unimplemented("unknown control method, use one of " + all_methods());
    request.method = *method;
    request.body = frames.size() == 2 ? frames[1] : std::span<const std::byte>();
    return {};
}

ControlReply control_reply(const google::protobuf::MessageLite& response) {
    return {std::string(name_of(StatusCode::ok)), {}, response.SerializeAsString()};
}

ControlReply control_failure(const Status& failure) {
    const StatusCode code = failure.ok() ? StatusCode::unknown : failure.code();
    return {std::string(name_of(code)), failure.message(), {}};
}

Status decode_control_reply(std::span<const std::span<const std::byte>> frames,
                            google::protobuf::MessageLite& response) {
    if (frames.size() != 3) {
        return internal_error("a control reply has three frames, this one has " +
                              std::to_string(frames.size()));
    }
    const auto code = status_code_named(text_of(frames[0]));
    if (!code) return internal_error("a control reply names no known status");
    if (*code != StatusCode::ok) return {*code, std::string(text_of(frames[1]))};
    if (!response.ParseFromArray(frames[2].data(), static_cast<int>(frames[2].size())))
        return internal_error("the body of a control reply is no " + response.GetTypeName());
    return {};
}

}  // namespace bunch
