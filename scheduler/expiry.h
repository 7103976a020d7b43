/// Which calls' deadlines have passed. Knows times and ids only: whether a call still waits is for
/// the caller to say.
#pragma once

#include <optional>
#include <vector>

#include "core/ids.h"
#include "core/time.h"

namespace bunch {

class Expiry {
  public:
    /// Adding a call again is harmless.
    void add(TimePoint deadline, CallId call);

    /// Takes out a call whose deadline is not after `at`, earliest first; nothing: there is none.
    std::optional<CallId> pop(TimePoint at);

    /// The earliest deadline.
    std::optional<TimePoint> next() const;

    /// Drops the earliest ones for which `still_waits(call)` is false, and all of them once they
    /// outnumber `waiting`, the number of calls that wait. Amortised constant per added call.
    template <typename StillWaits>
    void prune(std::size_t waiting, StillWaits still_waits) {
        if (heap_.size() > 2 * waiting + kSlack) {
            std::erase_if(heap_, [&](const Entry& entry) { return !still_waits(entry.call); });
            restore();
        }
        while (!heap_.empty() && !still_waits(heap_.front().call)) drop_first();
    }

  private:
    struct Entry {
        TimePoint deadline;
        CallId call;
        // Reversed: the heap functions keep the greatest first.
        friend bool operator<(const Entry& a, const Entry& b) { return a.deadline > b.deadline; }
    };
    static constexpr std::size_t kSlack = 64;

    void restore();
    void drop_first();

    std::vector<Entry> heap_;
};

}  // namespace bunch
