/// Runs batches: their inputs are gathered into a slot of a lane, the lane's runner is told, and
/// their outputs go to the calls. Knows nothing of why a batch was formed. Used by the reactor
/// thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/host/lane_link.h"
#include "core/call.h"
#include "daemon/call_desk.h"
#include "daemon/call_slab.h"
#include "daemon/device_table.h"
#include "daemon/gather_pool.h"
#include "daemon/model_table.h"
#include "daemon/recorded_scheduler.h"
#include "monitoring/lane_clock.h"
#include "scheduler/decision.h"

namespace bunch {

/// A lane that cannot be used any more; its runner has to go.
struct LostLane {
    DeviceId device;
    std::string reason;
};

class LanePool {
  public:
    /// Copies of more than `inline_bytes` go to `gather`, if it has threads.
    LanePool(RecordedScheduler& scheduler, CallSlab& slab, CallDesk& desk, ModelTable& models,
             DeviceTable& devices, Metrics& metrics, GatherPool& gather,
             std::uint64_t inline_bytes);

    /// The lane takes batches from now on.
    void add(TimePoint now, DeviceId device, std::uint32_t index, std::unique_ptr<LaneLink> link);

    /// The device's lanes are gone. Tells the scheduler of each.
    void remove(TimePoint now, DeviceId device);

    /// Begins a batch that the scheduler dispatched.
    void start(TimePoint now, Dispatch&& dispatch);

    /// Sends the batches whose inputs the gather threads have copied.
    void finish_gathers(TimePoint now);

    /// A descriptor to poll for each lane; -1 where the lane is lost.
    void add_fds(std::vector<int>& fds) const;

    /// Changes whenever add_fds() would say something new.
    std::uint64_t generation() const { return generation_; }

    /// Takes everything that has come back on the `index`th lane of add_fds().
    void receive(TimePoint now, std::size_t index);

    /// Whether work for `model` waits in the queue: lanes that could run it are not idle then.
    void work_waits(TimePoint now, ModelId model, bool waits);

    /// `model` can run on `device`, which computes it in `precision`.
    void add_instance(ModelId model, DeviceId device, std::string precision);

    /// Publishes the times of all lanes, and finds batches past their time limit.
    void tick(TimePoint now);

    /// Lanes that were lost since the last call.
    std::vector<LostLane> take_lost();

  private:
    struct Running {
        Batch batch;
        TimePoint dispatched, gathered;
        CloseReason closed_by = CloseReason::queue;
        Duration predicted_run{};
        bool is_gathering = false;
    };
    /// Both null: the model is not on the device.
    struct Instance {
        BatchMetrics* on_device = nullptr;
        ClassMetrics* on_class = nullptr;
        std::string precision;  ///< that the device computes the model in
    };
    struct LaneEntry {
        LaneId id;
        DeviceId device;
        std::uint32_t index = 0;         ///< within the device
        std::unique_ptr<LaneLink> link;  ///< null: lost
        LaneClock* clock = nullptr;      ///< of the device's metrics, which outlive the lane
        std::vector<Running> running;    ///< by slot
        std::optional<BatchId> front;    ///< its oldest batch, if any was sent
        TimePoint front_since;           ///< since when that could run
    };

    void find_shapes(const ServedModel& model, const Batch& batch);
    void gather_inputs(TimePoint now, LaneEntry& lane, Batch&& batch, const BatchInputs& inputs);
    void run(TimePoint now, LaneEntry& lane, SlotId slot);
    void finish(TimePoint now, LaneEntry& lane, const BatchReport& report);
    void count_batch(const Batch& batch, const ServedDevice& device, const BatchRun& run);
    void fail_batch(TimePoint now, Batch&& batch, const Status& status);
    void lose(TimePoint now, LaneEntry& lane, const std::string& reason);
    void cut(TimePoint now, LaneEntry& lane);
    void front_changed(TimePoint now, LaneEntry& lane);
    bool has_waiting_work(DeviceId device) const;
    void count_in_flight(DeviceId device, int change);

    RecordedScheduler& scheduler_;
    CallSlab& slab_;
    CallDesk& desk_;
    ModelTable& models_;
    DeviceTable& devices_;
    Metrics& metrics_;
    GatherPool& gather_;
    std::uint64_t inline_bytes_;
    LaneEntry* find(LaneId id);

    std::vector<std::unique_ptr<LaneEntry>> lanes_;
    std::uint64_t generation_ = 0;
    std::vector<LostLane> lost_;
    std::vector<bool> waiting_;                     ///< [model]: work of it waits
    std::vector<std::vector<Instance>> instances_;  ///< [model][device]
    std::vector<Shape> shapes_;
    std::vector<GatherPart> parts_;  ///< reused for their memory
    std::vector<GatherJob> gathered_;
};

}  // namespace bunch
