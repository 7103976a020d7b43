#include "backends/host/restart_policy.h"

#include <algorithm>

namespace bunch {

std::optional<TimePoint> RestartPolicy::after_loss(TimePoint now) {
    while (!losses_.empty() && now - losses_.front() >= limits_.window) losses_.pop_front();
    if (losses_.size() >= limits_.max_restarts) return std::nullopt;
    Duration pause = limits_.initial_pause;
    for (std::size_t i = 0; i < losses_.size() && pause < limits_.max_pause; ++i) pause *= 2;
    losses_.push_back(now);
    return now + std::min(pause, limits_.max_pause);
}

}  // namespace bunch
