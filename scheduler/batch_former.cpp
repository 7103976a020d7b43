#include "scheduler/batch_former.h"

#include <algorithm>

namespace bunch {

BatchFormer::BatchFormer(const BatchRules& rules) : rules_(rules) {
    cap_ = std::clamp(rules.share, 1u, rules.limit);
    if (rules.soft_target == kNever) return;
    const std::uint32_t fits =
        rules.curve->rows_within(rules.soft_target - rules.begin, rules.lane_is_idle, cap_);
    // An objective may cost half the batch at most: beyond that the queue grows, and every later
    // call misses its objective too.
    if (fits >= cap_ / 2) cap_ = std::max(1u, fits);
}

std::uint32_t BatchFormer::offer(std::uint32_t rows, TimePoint deadline) {
    if (rows_ >= cap_) return 0;
    if (deadline != kNever) {
        const std::uint32_t fits =
            rules_.curve->rows_within(deadline - rules_.begin, rules_.lane_is_idle, rules_.limit);
        // A call that is late even so must not keep the others from a full batch.
        if (fits >= rows_ + rows) cap_ = std::min(cap_, fits);
    }
    const std::uint32_t room = cap_ - rows_;
    if (rows > room) {
        // Cutting a call that another batch can take whole costs it a second copy and a join: only
        // worth it when this batch would run far from full otherwise.
        const bool is_nearly_full = rows_ >= cap_ - cap_ / 4;
        if (is_nearly_full && rows_ > 0 && rows <= rules_.limit) return 0;
        rows = room;
    }
    rows_ += rows;
    return rows;
}

}  // namespace bunch
