/// How many rows one batch takes of the calls that wait: what fits before deadlines, under the row
/// limit, and without leaving other lanes idle. Pure arithmetic over one lane and one line of
/// waiting pieces; which lane and which model is for candidate.cpp to say.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "core/time.h"
#include "scheduler/cost_model.h"
#include "scheduler/decision.h"

namespace bunch {

/// What bounds one batch.
struct BatchRules {
    std::uint32_t limit = 1;  ///< rows, hard
    /// Rows beyond which the batch need not go: the fair part of a lane where several share the
    /// work. At most `limit`.
    std::uint32_t share = 1;
    TimePoint begin;           ///< when the lane is expected to begin with it
    bool lane_is_idle = true;  ///< then copying delays it too
    RunOn on;
    const CostCurve* curve = nullptr;  ///< of the model on the lane's class

    /// So many rows are not through by a deadline before this; at or after it, rows_by() says.
    TimePoint hopeless_before(std::uint32_t rows) const {
        constexpr Duration kRounding = std::chrono::microseconds(1);
        if (!curve->is_sloped()) return begin;  // sizes that were never seen are tried
        return begin + curve->cautious_run(rows, on) - kRounding;
    }

    /// The most rows that are through by `deadline`.
    std::uint32_t rows_by(TimePoint deadline) const {
        if (deadline == kNever) return limit;
        return curve->rows_within(deadline - begin, lane_is_idle, limit, on);
    }
};

class BatchFormer {
  public:
    /// `rows` as planned: at least 1, at most the limit.
    BatchFormer(const BatchRules& rules, std::uint32_t rows)
        : rules_(rules), cap_(std::clamp(rows, 1u, rules.limit)) {}

    /// How many rows to take of the next piece, which has `rows` rows and whose call wants to be
    /// answered by `deadline` (kNever: whenever). 0: none, and none of later ones if is_full().
    /// One that only fills the batch up must not make it smaller than planned.
    std::uint32_t offer(std::uint32_t rows, TimePoint deadline, bool only_fills = false);

    bool is_full() const { return rows_ >= cap_ || is_closed_; }
    std::uint32_t rows() const { return rows_; }

  private:
    const BatchRules& rules_;
    std::uint32_t cap_;
    std::uint32_t rows_ = 0;
    TimePoint tightest_ = kNever;
    bool is_closed_ = false;
};

/// What a batch would be worth that leaves `skipped` rows behind which then are lost: at full load
/// what it does beyond the usual rate of a lane in its time, at no load what it saves.
inline double worth_of_batch(double load, double rows, double skipped, double usual_rate,
                             Duration run) {
    return load * (rows - usual_rate * to_seconds(run)) - (1 - load) * skipped;
}

}  // namespace bunch
