/// The scheduler's last events in fixed memory: two halves of slots, of which the older one is
/// overwritten when the newer is full. Each but the first begins with a snapshot of the state, so
/// that what is left can be played. A slot costs a copy of 64 bytes. Used by the reactor thread
/// only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "scheduler/trace.h"

namespace bunch {

/// A half of the ring: its slots, and how many events were recorded before them.
struct TraceHalf {
    std::uint64_t events_before = 0;
    std::vector<trace::Slot> slots;
};

/// A trace as a file, in memory.
struct FrozenTrace {
    trace::Header header;
    std::vector<std::shared_ptr<const TraceHalf>> halves;  ///< older first

    std::uint64_t bytes() const;
    /// Appends up to `most` bytes from `offset` on.
    void copy(std::uint64_t offset, std::size_t most, std::string& to) const;
};

class TraceRing {
  public:
    /// Keeps `slots` in all; 0: nothing, and only is_on() may be called.
    explicit TraceRing(std::size_t slots);

    bool is_on() const { return half_ > 0; }

    /// Whether `slots` more need a turn() before.
    bool is_full(std::size_t slots = 1) const { return newer_->slots.size() + slots > half_; }

    /// Slots that a snapshot may have at most.
    std::size_t snapshot_limit() const { return half_ / 2; }

    /// Drops the older half, and begins a new one with `snapshot`.
    void turn(std::span<const trace::Slot> snapshot);

    /// An event of one slot; there must be room.
    void add(const trace::Slot& slot) {
        newer_->slots.push_back(slot);
        ++events_;
    }
    /// An event of several.
    void add(std::span<const trace::Slot> slots);

    /// What is kept, with `header` but for its count of events. It is not added to any more: turn()
    /// must follow.
    FrozenTrace freeze(trace::Header header) const;

  private:
    std::shared_ptr<TraceHalf> empty_half();

    std::size_t half_;
    std::uint64_t events_ = 0;
    std::shared_ptr<TraceHalf> older_, newer_;
};

}  // namespace bunch
