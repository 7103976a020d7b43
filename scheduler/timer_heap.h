/// When to look at which of a few numbered things again: a binary heap in which each has at most
/// one time, which can be changed. Allocates only when a higher number is seen than ever before.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "core/time.h"
#include "scheduler/slab.h"

namespace bunch {

class TimerHeap {
  public:
    void set(Index which, TimePoint when) {
        if (which >= places_.size()) places_.resize(which + 1, kNowhere);
        if (places_[which] == kNowhere) {
            places_[which] = heap_.size();
            heap_.emplace_back(when, which);
            rise(heap_.size() - 1);
        } else {
            heap_[places_[which]].first = when;
            sink(rise(places_[which]));
        }
    }

    void remove(Index which) {
        if (which >= places_.size() || places_[which] == kNowhere) return;
        const std::size_t place = std::exchange(places_[which], kNowhere);
        const Entry last = heap_.back();
        heap_.pop_back();
        if (last.second == which) return;
        put(place, last);
        sink(rise(place));
    }

    bool empty() const { return heap_.empty(); }
    TimePoint first_time() const { return heap_.front().first; }  ///< needs one
    Index first() const { return heap_.front().second; }          ///< needs one; equal times: any

  private:
    using Entry = std::pair<TimePoint, Index>;
    static constexpr std::size_t kNowhere = ~std::size_t{0};

    void put(std::size_t place, const Entry& entry) {
        heap_[place] = entry;
        places_[entry.second] = place;
    }

    std::size_t rise(std::size_t place) {
        const Entry entry = heap_[place];
        while (place > 0 && entry < heap_[(place - 1) / 2]) {
            put(place, heap_[(place - 1) / 2]);
            place = (place - 1) / 2;
        }
        put(place, entry);
        return place;
    }

    void sink(std::size_t place) {
        const Entry entry = heap_[place];
        for (std::size_t child = 2 * place + 1; child < heap_.size(); child = 2 * place + 1) {
            if (child + 1 < heap_.size() && heap_[child + 1] < heap_[child]) ++child;
            if (!(heap_[child] < entry)) break;
            put(place, heap_[child]);
            place = child;
        }
        put(place, entry);
    }

    std::vector<Entry> heap_;
    std::vector<std::size_t> places_;
};

}  // namespace bunch
