/// A lane of an FPGA card: batches go to one compute unit of their model, one after the other, as
/// many at once as there are slots; so inputs of the next batch are brought to the card, and it
/// lies queued at the unit, while one runs.
///
/// No wait is without a limit. A unit that does not end a call in time hangs; that cannot be undone
/// from here (an abort may wait for ever), so it is told and the lane is of no use until the runner
/// has been killed.
#pragma once

#include <xrt/xrt_device.h>

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "backends/runner/backend.h"
#include "backends/xrt/fault_text.h"
#include "backends/xrt/placement.h"

namespace bunch::fpga {

class UnitLane final : public Lane {
  public:
    /// `tell` must outlive the lane.
    UnitLane(::xrt::device handle, CardName card, LaneArena arena, const FaultHandler& tell);

    /// Waits for what runs, as long as it may take.
    ~UnitLane() override;

    // For the control thread. No batch of the model is on the lane.

    ::xrt::device& handle() { return handle_; }
    const LaneArena& arena() const { return arena_; }
    void place(ModelId id, std::unique_ptr<Placement> placement);
    void remove(ModelId id);
    void clear();

    // For the lane's thread.

    Status submit(SlotId slot, ModelId model, std::span<const ConstTensorView> inputs,
                  std::span<const TensorView> outputs) override;
    std::optional<Completion> wait(TimePoint until) override;

  private:
    /// A batch on the lane.
    struct Flight {
        std::uint32_t slot = 0;
        std::shared_ptr<Placement> placement;
        std::size_t rows = 0;
        std::vector<TensorView> outputs;
        bool started = false;
        TimePoint transfer_begin;
        TimePoint started_at;
    };

    std::shared_ptr<Placement> find(ModelId model) const;
    void start_next();
    TimePoint due() const;
    Completion finish(ert_cmd_state state);
    Status fail_call(const Flight& flight, ert_cmd_state state);
    void pause(Duration span);
    void break_down(FaultKind kind, const std::string& seen);

    ::xrt::device handle_;
    const CardName card_;
    const LaneArena arena_;
    const FaultHandler& tell_;

    mutable std::mutex mutex_;
    std::map<ModelId, std::shared_ptr<Placement>> placements_;  // guarded by mutex_

    // The lane's thread only.
    std::deque<Flight> flights_;         // in the order of their submission
    std::size_t started_ = 0;            // of them, from the front
    TimePoint unit_free_at_;             // when the last call ended
    std::uint32_t failed_in_a_row_ = 0;  // calls that the card ended with an error
    std::uint32_t blamed_on_card_ = 0;   // of them, see kFailuresOfABrokenCard
    std::size_t rows_of_last_failure_ = 0;
    bool broken_ = false;
    bool precise_ = false;
};

}  // namespace bunch::fpga
