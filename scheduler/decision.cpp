#include "scheduler/decision.h"

#include <array>

namespace bunch {

std::string_view name_of(CloseReason reason) {
    static constexpr std::array<std::string_view, kCloseReasons> kNames = {
        "limit", "deadline", "share", "queue", "waited", "alone"};
    return kNames[static_cast<std::size_t>(reason)];
}

std::string_view name_of(RejectReason reason) {
    static constexpr std::array<std::string_view, kRejectReasons> kNames = {
        "invalid", "draining", "no_device", "bound",  "quota",
        "expired", "shed",     "cancelled", "culprit"};
    return kNames[static_cast<std::size_t>(reason)];
}

}  // namespace bunch
