/// What became of something, in words that a client could be told.
///
/// A failure that someone outside may meet is a Status (or a Result<T>); a broken invariant of our
/// own is a BUNCH_CHECK; nothing else reports errors. Codes carry the numbers and meanings of gRPC
/// (https://grpc.github.io/grpc/core/md_doc_statuscodes.html); protocol/status_map.h turns them
/// into the terms of each protocol.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace bunch {

enum class StatusCode : std::uint8_t {
    ok = 0,
    cancelled = 1,
    unknown = 2,
    invalid_argument = 3,
    deadline_exceeded = 4,
    not_found = 5,
    already_exists = 6,
    permission_denied = 7,
    resource_exhausted = 8,
    failed_precondition = 9,
    aborted = 10,
    out_of_range = 11,
    unimplemented = 12,
    internal = 13,
    unavailable = 14,
    data_loss = 15,
    unauthenticated = 16,
};

/// "resource_exhausted" and so on; "unknown" for a number that is no code.
std::string_view name_of(StatusCode code);

/// The code of that name, as in name_of(), or nothing.
std::optional<StatusCode> status_code_named(std::string_view name);

/// An outcome. The message of a failure names the thing, the value, and what would have been right.
class [[nodiscard]] Status {
  public:
    Status() = default;
    Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}

    bool ok() const { return code_ == StatusCode::ok; }
    StatusCode code() const { return code_; }
    const std::string& message() const { return message_; }

    /// "invalid_argument: input 'x' has 3 rows, ..."
    std::string to_string() const;

    /// The same failure with `context` and ": " before its message; ok stays ok.
    Status with_context(std::string_view context) const;

    friend bool operator==(const Status&, const Status&) = default;

  private:
    StatusCode code_ = StatusCode::ok;
    std::string message_;
};

inline Status ok_status() {
    return {};
}
inline Status invalid_argument(std::string message) {
    return {StatusCode::invalid_argument, std::move(message)};
}
inline Status not_found(std::string message) {
    return {StatusCode::not_found, std::move(message)};
}
inline Status resource_exhausted(std::string message) {
    return {StatusCode::resource_exhausted, std::move(message)};
}
inline Status deadline_exceeded(std::string message) {
    return {StatusCode::deadline_exceeded, std::move(message)};
}
inline Status unavailable(std::string message) {
    return {StatusCode::unavailable, std::move(message)};
}
inline Status internal_error(std::string message) {
    return {StatusCode::internal, std::move(message)};
}
inline Status unimplemented(std::string message) {
    return {StatusCode::unimplemented, std::move(message)};
}
inline Status cancelled(std::string message) {
    return {StatusCode::cancelled, std::move(message)};
}

}  // namespace bunch
