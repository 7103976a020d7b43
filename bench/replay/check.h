/// Plays the events of a trace to a new Scheduler, and compares what it decides with what was
/// decided then: equal events must give equal decisions, with every compiler.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/result.h"
#include "scheduler/trace.h"

namespace bunch::replay {

/// Where a scheduler first decided otherwise.
struct Difference {
    std::uint64_t event = 0;  ///< its number, from 0
    TimePoint at;
    trace::Decide recorded;
    trace::Decide replayed;
    std::string decisions;  ///< the replayed ones, as text
};

struct Check {
    std::uint64_t events = 0;
    std::uint64_t decides = 0;    ///< calls of decide()
    std::uint64_t decisions = 0;  ///< that were recorded
    std::optional<Difference> difference;
};

/// failed_precondition if the trace does not begin with the daemon: what a scheduler knows then
/// cannot be said by events that are left. Stops at the first difference.
Result<Check> check_decisions(const trace::File& file);

}  // namespace bunch::replay
