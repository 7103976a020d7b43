#include "scheduler/batch_former.h"

namespace bunch {

std::uint32_t BatchFormer::offer(std::uint32_t rows, TimePoint deadline, bool only_fills) {
    if (is_full()) return 0;
    if (deadline < tightest_) {
        const std::uint32_t fits = rules_.rows_by(deadline);
        // A call that is late even so must not keep the others from a full batch, and is of no use
        // in this one: another lane may yet be in time.
        if (fits < std::min(only_fills ? cap_ : rows_ + rows, rules_.limit)) return 0;
        tightest_ = deadline;
        cap_ = std::min(cap_, fits);
    }
    const std::uint32_t room = cap_ - rows_;
    if (rows > room) {
        // Cutting a call that another batch can take whole costs it a second copy and a join: only
        // worth it when this batch would run far from full otherwise.
        const bool is_nearly_full = rows_ >= cap_ - cap_ / 4;
        if (is_nearly_full && rows_ > 0 && rows <= rules_.limit) {
            is_closed_ = true;
            return 0;
        }
        rows = room;
    }
    rows_ += rows;
    return rows;
}

}  // namespace bunch
