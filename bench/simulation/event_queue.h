/// What is to happen in virtual time, earliest first; of equal times, first come first.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/time.h"

namespace bunch::simulation {

enum class EventKind : std::uint8_t {
    arrival,    ///< of a source's next request
    recorded,   ///< arrival of the next recorded request
    think_end,  ///< of a client
    ready,      ///< a batch is gathered and transferred to its lane
    done,       ///< the lane's batch has run
    swapped,    ///< a device is reconfigured
    lost,       ///< a device fails
    back,       ///< and is there again
};

struct Event {
    TimePoint at;
    std::uint64_t order = 0;
    std::uint32_t index = 0;  ///< of the source, client, lane or device
    EventKind kind = EventKind::arrival;
};

class EventQueue {
  public:
    void add(TimePoint at, EventKind kind, std::uint32_t index) {
        heap_.push_back({at, next_order_++, index, kind});
        std::push_heap(heap_.begin(), heap_.end(), is_later);
    }

    bool empty() const { return heap_.empty(); }
    TimePoint next_time() const { return heap_.front().at; }

    /// Only when not empty.
    Event pop() {
        std::pop_heap(heap_.begin(), heap_.end(), is_later);
        const Event event = heap_.back();
        heap_.pop_back();
        return event;
    }

  private:
    static bool is_later(const Event& a, const Event& b) {
        return a.at != b.at ? a.at > b.at : a.order > b.order;
    }

    std::vector<Event> heap_;
    std::uint64_t next_order_ = 0;
};

}  // namespace bunch::simulation
