/// How many rows of each waiting piece go into one batch. Arithmetic on one batch at a time: it is
/// offered pieces in their order of waiting and says what it takes. Which lane and which model is
/// dispatch.cpp's question.
#pragma once

#include <cstdint>

#include "core/time.h"
#include "scheduler/cost_model.h"

namespace bunch {

/// What bounds one batch.
struct BatchRules {
    std::uint32_t limit = 1;  ///< rows, hard
    /// Rows beyond which the batch need not go: the fair part of a lane where several share the
    /// work. At most `limit`.
    std::uint32_t share = 1;
    TimePoint begin;                   ///< when the lane is expected to begin with it
    bool lane_is_idle = true;          ///< then copying delays it too
    TimePoint soft_target = kNever;    ///< when the oldest call should be answered
    const CostCurve* curve = nullptr;  ///< of the model on the lane's class
};

class BatchFormer {
  public:
    explicit BatchFormer(const BatchRules& rules);

    /// How many rows to take of the next piece, which has `rows` rows and whose call wants to be
    /// answered by `deadline` (kNever: whenever). 0: the batch is complete.
    std::uint32_t offer(std::uint32_t rows, TimePoint deadline);

    std::uint32_t rows() const { return rows_; }

  private:
    BatchRules rules_;
    std::uint32_t cap_;
    std::uint32_t rows_ = 0;
};

}  // namespace bunch
