#include "core/status.h"

#include <array>

namespace bunch {
namespace {

constexpr std::array<std::string_view, 17> kNames = {
    "ok",        "cancelled",      "unknown",           "invalid_argument",   "deadline_exceeded",
    "not_found", "already_exists", "permission_denied", "resource_exhausted", "failed_precondition",
    "aborted",   "out_of_range",   "unimplemented",     "internal",           "unavailable",
    "data_loss", "unauthenticated"};

}  // namespace

std::string_view name_of(StatusCode code) {
    const auto index = static_cast<std::size_t>(code);
    return index < kNames.size() ? kNames[index] : "unknown";
}

std::optional<StatusCode> status_code_named(std::string_view name) {
    for (std::size_t i = 0; i < kNames.size(); ++i) {
        if (kNames[i] == name) return static_cast<StatusCode>(i);
    }
    return std::nullopt;
}

std::string Status::to_string() const {
    if (ok()) return "ok";
    std::string text(name_of(code_));
    return message_.empty() ? text : text + ": " + message_;
}

Status Status::with_context(std::string_view context) const {
    if (ok()) return *this;
    return {code_, std::string(context) + ": " + message_};
}

}  // namespace bunch
