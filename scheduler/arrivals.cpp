#include "scheduler/arrivals.h"

#include <algorithm>

namespace bunch {
namespace {

constexpr std::size_t kFew = 4;  ///< before them there is no estimate

}  // namespace

void ArrivalRate::add(TimePoint at, std::uint32_t rows) {
    Arrival& slot = arrivals_[next_];
    rows_ += rows;
    rows_ -= slot.rows;
    slot = {at, rows};
    next_ = (next_ + 1) % kRemembered;
    count_ = std::min(count_ + 1, kRemembered);
}

double ArrivalRate::per_second(TimePoint at) const {
    if (count_ < kFew) return 0;
    const Arrival& oldest = arrivals_[count_ < kRemembered ? 0 : next_];
    const double span = to_seconds(at - oldest.at);
    if (span <= 0) return 0;
    return static_cast<double>(rows_ - oldest.rows) / span;
}

}  // namespace bunch
