/// When to start a lost runner again, and when to give up. Pure: the time is an argument.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "core/time.h"

namespace bunch {

struct RestartLimits {
    Duration initial_pause = std::chrono::milliseconds(100);
    Duration max_pause = std::chrono::seconds(10);
    std::uint32_t max_restarts = 5;  ///< within `window`; one more loss and the device is given up
    Duration window = std::chrono::minutes(1);
};

class RestartPolicy {
  public:
    explicit RestartPolicy(RestartLimits limits) : limits_(limits) {}

    /// When to start again after a loss at `now`; nothing: give up. The pause doubles with each
    /// loss within the window.
    std::optional<TimePoint> after_loss(TimePoint now);

  private:
    RestartLimits limits_;
    std::deque<TimePoint> losses_;
};

}  // namespace bunch
