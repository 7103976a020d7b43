/// A lane of several threads: rows of a batch are handed out to them, each with a session of its
/// own. One thread that other work holds up so delays its piece, not half of the batch.
///
/// Not for: one row on several threads; that is Program::wide_plan().
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "backends/cpu/cpu_model.h"
#include "backends/cpu/team.h"

namespace bunch::cpu {

/// `whole` runs what is not handed out, and may use all of `team`, which outlives the result;
/// `sessions` are one per thread of it, and use one. `most_rows`: of a piece; a piece takes
/// `least_time` at least, since waking a thread up costs some microseconds.
std::unique_ptr<ModelSession> make_team_session(
    Team& team, std::unique_ptr<ModelSession> whole,
    std::vector<std::unique_ptr<ModelSession>> sessions, std::size_t most_rows,
    Duration least_time = std::chrono::microseconds(100));

}  // namespace bunch::cpu
