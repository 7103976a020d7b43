#include "scheduler/expiry.h"

#include <algorithm>

namespace bunch {

void Expiry::add(TimePoint deadline, CallId call) {
    heap_.push_back({deadline, call});
    std::push_heap(heap_.begin(), heap_.end());
}

std::optional<CallId> Expiry::pop(TimePoint at) {
    if (heap_.empty() || heap_.front().deadline > at) return std::nullopt;
    const CallId call = heap_.front().call;
    drop_first();
    return call;
}

std::optional<TimePoint> Expiry::next() const {
    if (heap_.empty()) return std::nullopt;
    return heap_.front().deadline;
}

void Expiry::restore() {
    std::make_heap(heap_.begin(), heap_.end());
}

void Expiry::drop_first() {
    std::pop_heap(heap_.begin(), heap_.end());
    heap_.pop_back();
}

}  // namespace bunch
