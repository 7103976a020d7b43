/// What the service manager is told, through libsystemd; nothing happens outside of one.
/// https://www.freedesktop.org/software/systemd/man/sd_notify.html
#pragma once

#include <optional>
#include <string_view>

#include "core/time.h"

namespace bunch {

void notify_ready();
void notify_stopping();
void notify_watchdog();

/// A line for `systemctl status`.
void notify_status(std::string_view text);

/// How often the manager wants notify_watchdog(); nothing if it does not.
std::optional<Duration> watchdog_period();

}  // namespace bunch
