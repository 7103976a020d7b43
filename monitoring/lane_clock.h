/// What a lane did with its time. Pure: events and the time go in, five sums come out that add up
/// exactly to the time that has been settled. A lane is one of:
///
///   compute     a batch is computing
///   transfer    inputs or outputs are on their way to or from the device, and nothing computes
///   wait_batch  neither, though work for the lane is queued, being gathered, or on its way
///   idle        there is no work
///   faulted     the lane cannot take work; time of batches that were lost counts as this, too
///
/// Batches report where they were only when they are done, so while batches are open (bound and not
/// yet done), time is settled up to the moment at which the oldest of them was bound. Not
/// thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "core/time.h"

namespace bunch {

enum class LaneState : std::uint8_t { compute, transfer, wait_batch, idle, faulted };
inline constexpr std::size_t kLaneStates = 5;
std::string_view name_of(LaneState state);

/// When one batch passed through the device, by the runner's clock. Need not be trusted: cut to
/// the time between bound() and done().
struct BatchTimes {
    TimePoint transfer_begin;
    TimePoint compute_begin;
    TimePoint compute_end;
    TimePoint transfer_end;
};

class LaneClock {
  public:
    using Totals = std::array<Duration, kLaneStates>;  ///< indexed by LaneState

    /// Begins at `start`, as faulted: the lane is not up yet.
    explicit LaneClock(TimePoint start) : settled_(start) {}

    // Time never runs backwards: a `now` below an earlier one is taken as that.

    void up(TimePoint now);                     ///< the lane takes work
    void fault(TimePoint now);                  ///< it no longer does; its batches are lost
    void work_waits(TimePoint now, bool work);  ///< whether anything queued could run on it
    void bound(TimePoint now, BatchId batch);   ///< gathering for the lane begins
    void done(TimePoint now, BatchId batch, const BatchTimes& times);
    /// The batch came back without having run (refused, or withdrawn before it was sent).
    void dropped(TimePoint now, BatchId batch);
    void advance(TimePoint now);  ///< nothing happened, but settle what can be settled

    /// Sums from the start to settled(); each only grows.
    const Totals& totals() const { return totals_; }
    TimePoint settled() const { return settled_; }

  private:
    struct Span {
        TimePoint begin, end;
        LaneState state;
    };
    struct Open {
        BatchId batch;
        TimePoint bound_at;
    };

    std::vector<Open>::iterator find(BatchId batch);
    void hold(TimePoint begin, TimePoint end, LaneState state);
    void settle_to_oldest_open();
    void settle_until(TimePoint until, LaneState gaps);

    LaneState background_ = LaneState::faulted;
    TimePoint settled_;
    TimePoint now_{};
    Totals totals_{};
    std::vector<Open> open_;
    std::vector<Span> spans_;
};

}  // namespace bunch
