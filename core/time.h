/// Points in time and spans of it. Nothing here reads a clock but now(), which layers below the
/// daemon and the runners never call: the time goes into them as an argument.
#pragma once

#include <chrono>
#include <cstdint>

namespace bunch {

using Duration = std::chrono::nanoseconds;

/// CLOCK_MONOTONIC, which every process of a machine shares; so the daemon may compare a runner's
/// timestamps with its own.
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;

inline constexpr TimePoint kNever = TimePoint::max();

inline TimePoint now() {
    return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now());
}

inline double to_seconds(Duration span) {
    return std::chrono::duration<double>(span).count();
}

/// Rounds to nanoseconds; the caller keeps |seconds| below 292 years.
inline Duration from_seconds(double seconds) {
    return Duration(static_cast<std::int64_t>(seconds * 1e9 + (seconds < 0 ? -0.5 : 0.5)));
}

/// `start + span`, or kNever where that would overflow.
inline TimePoint saturating_add(TimePoint start, Duration span) {
    if (span > Duration::zero() && start > kNever - span) return kNever;
    return start + span;
}

}  // namespace bunch
