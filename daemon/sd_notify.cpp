#include "daemon/sd_notify.h"

#include <systemd/sd-daemon.h>

#include <string>

namespace bunch {

void notify_ready() {
    sd_notify(0, "READY=1");
}
void notify_stopping() {
    sd_notify(0, "STOPPING=1");
}
void notify_watchdog() {
    sd_notify(0, "WATCHDOG=1");
}

void notify_status(std::string_view text) {
    sd_notify(0, ("STATUS=" + std::string(text)).c_str());
}

std::optional<Duration> watchdog_period() {
    std::uint64_t microseconds = 0;
    if (sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
    return std::chrono::microseconds(microseconds);
}

}  // namespace bunch
