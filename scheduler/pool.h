/// The devices, their lanes, the models on them, and the batches that are on lanes: what exists,
/// and when each lane can take another batch. Knows no queues: dispatch.cpp brings both together.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory_resource>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "scheduler/cost_model.h"
#include "scheduler/events.h"
#include "scheduler/slab.h"
#include "scheduler/suspects.h"
#include "scheduler/timer_heap.h"

namespace bunch {

/// A batch on a lane.
struct InFlight {
    BatchId id;
    Index model = kNone;
    Index lane = kNone;
    Index device = kNone;
    CostCurve* curve = nullptr;
    SuspectGroup group;
    bool is_alone = false;  ///< the group is suspect, not just a usual batch
    bool is_started = false;
    bool was_behind = false;  ///< another batch was on the lane when it was dispatched
    std::uint32_t rows = 0;
    std::uint32_t excess_rows = 0;  ///< of tenants beyond their share
    std::uint32_t clients = 0;      ///< that are known by name and get an answer
    std::uint32_t others = 0;       ///< other busy lanes of the device when it began
    ShapeClass shape = 0;           ///< of all its rows
    TimePoint begin;                ///< when it was, or is expected to have been, ready to run
};

enum class LaneState : std::uint8_t {
    gone,
    closed,   ///< every slot is taken, or its device takes nothing now
    waiting,  ///< a slot is free, but a batch that is bound later will be a fuller one
    due,      ///< takes whatever there is
};
inline constexpr std::size_t kLaneStates = 4;

/// Whether a lane's runs end in time.
enum class LaneHealth : std::uint8_t {
    sound,
    quarantined,  ///< a batch takes far longer than it should: nothing is sent
    probing,      ///< one row at a time, until one has run as fast as it should
};

struct LaneRecord {
    LaneId id;
    Index device = kNone;
    Index device_class = kNone;
    LaneState state = LaneState::gone;
    std::size_t place = 0;       ///< in its class's list of that state
    std::vector<Index> batches;  ///< oldest first
    TimePoint free_at;           ///< when all its batches are expected to be through
    TimePoint bind_at;           ///< when it stops waiting
    LaneHealth health = LaneHealth::sound;
    TimePoint probe_at;      ///< when quarantined and empty
    Duration probe_pause{};  ///< before the next probe
};

struct InstanceRecord {
    InstanceInfo info;
    Index model = kNone;
    Index device = kNone;
    CostCurve* curve = nullptr;  ///< set while usable
    bool is_usable = false;      ///< ready, its device up, its class allowed
    std::uint32_t limit = 1;     ///< rows of a batch
};

/// A change of what a reconfigurable device holds.
enum class Swap : std::uint8_t {
    none,
    emptying,  ///< decided; the batches that are on its lanes run to their end
    loading,   ///< told to the caller, who has not answered
};

struct DeviceRecord {
    DeviceId id;
    Index device_class = kNone;  ///< once it has been up
    bool is_up = false;
    std::uint32_t slots = 1;
    std::vector<Index> lanes;
    std::vector<Index> instances;
    std::vector<Index> instance_of_model;  ///< by model; kNone: it has none
    Duration longest_copy{};               ///< of recent batches
    std::uint32_t busy_lanes = 0;
    double pace = 1;        ///< of its runs, relative to those of its class
    int last_surprise = 0;  ///< 1 or -1: its last run was far slower or quicker than expected
    Swap swap = Swap::none;
    Index swap_to = kNone;  ///< the model that is wanted
    TimePoint loaded_at;    ///< when it began to hold what it holds
};

/// The lanes of all devices that run models equally fast.
struct ClassRecord {
    std::size_t lanes = 0;
    std::array<std::vector<Index>, kLaneStates> in_state;
    std::vector<Index> models;   ///< that have a usable instance here
    std::vector<Index> losing;   ///< those with an objective that lost calls, as of the last upkeep
    std::size_t busy = 0;        ///< lanes with a batch
    double busy_time = 0;        ///< seconds of all lanes, since the last review
    TimePoint counted_at;        ///< up to when
    double saturation = 0;       ///< the part of the lanes' time that is used, average
    double slow_saturation = 0;  ///< the same, over a second
    double useful_time = 0;      ///< seconds that its rows would have taken at the usual rates
    double usefulness = 0;       ///< that part of the lanes' time, average: 1 is all they can give.
                                 ///< Rows of tenants beyond their share do not count.
    double mean_run = 0;         ///< seconds, average of what is dispatched
    double lower_credit = 0;     ///< seconds that lower tiers may run before higher ones
    bool is_dirty = false;       ///< something may have become possible

    const std::vector<Index>& due() const { return list(LaneState::due); }
    const std::vector<Index>& waiting() const { return list(LaneState::waiting); }
    const std::vector<Index>& list(LaneState state) const {
        return in_state[static_cast<std::size_t>(state)];
    }
};

class Pool {
  public:
    explicit Pool(CostModel& costs) : costs_(costs), batch_by_id_(&nodes_) {}

    /// The record of a device, made if need be.
    Index device(DeviceId id);
    Index find_device(DeviceId id) const;
    Index find_lane(LaneId id) const;
    Index find_instance(InstanceId id) const;
    Index find_batch(BatchId id) const;

    /// Gives a device without lanes its class and lanes.
    void bring_up(Index device, const DeviceInfo& info, TimePoint at);
    void remove_device(Index device);  ///< without lanes and instances

    /// Replaces any instance of the same id, and of the same model on the same device.
    Index add_instance(const InstanceInfo& info, Index model);
    void remove_instance(Index instance);
    Index instance_on(Index device, Index model) const;

    /// A record for a new batch on a lane with a free slot; to be filled by the caller, who then
    /// calls refresh().
    Index add_batch(Index lane, BatchId id, TimePoint at);

    /// Takes a batch off its lane and frees its record, whose content stays until add_batch().
    void remove_batch(Index batch, TimePoint at);

    /// The lane and its record are gone. Needs a lane without batches.
    void remove_lane(Index lane);

    /// Works out again when the lane is free and its state.
    void refresh(Index lane, TimePoint at);

    /// The next lane whose wait is over by `at`, which is now due; or kNone.
    Index wake(TimePoint at);
    std::optional<TimePoint> next_wake() const;

    /// Other lanes of its device that have a batch.
    std::uint32_t busy_beside(Index lane) const;
    RunOn run_on(Index lane, ShapeClass shape = 0) const;
    RunOn run_on(const InFlight& batch) const;

    /// When the first lane of a class that can run the model is expected to be free; `at` at the
    /// earliest, kNever if there is none.
    TimePoint earliest_free(Index device_class, Index model, TimePoint at) const;

    /// Moves what the paces of the class's devices have in common to its curves; whether it was
    /// anything that matters.
    bool share_pace(Index device_class);

    /// Works out the saturation of all classes.
    void review(TimePoint at);

    std::size_t classes() const { return classes_.size(); }
    ClassRecord& class_at(Index device_class) { return classes_[device_class]; }
    const ClassRecord& class_at(Index device_class) const { return classes_[device_class]; }
    DeviceRecord& device_at(Index device) { return devices_[device]; }
    const DeviceRecord& device_at(Index device) const { return devices_[device]; }
    LaneRecord& lane_at(Index lane) { return lanes_[lane]; }
    const LaneRecord& lane_at(Index lane) const { return lanes_[lane]; }
    InstanceRecord& instance_at(Index instance) { return instances_[instance]; }
    const InstanceRecord& instance_at(Index instance) const { return instances_[instance]; }
    InFlight& batch_at(Index batch) { return batches_[batch]; }
    const InFlight& batch_at(Index batch) const { return batches_[batch]; }
    std::size_t batches() const { return batch_by_id_.size(); }
    const std::vector<Index>& lanes() const { return all_lanes_; }

    /// The devices that there are.
    template <typename Visit>
    void each_device(Visit visit) const {
        for (const auto& [id, index] : device_by_id_) visit(index);
    }

  private:
    void set_state(Index lane, LaneState state);
    void count_busy(Index device_class, TimePoint at);
    Duration lead(const LaneRecord& lane) const;
    bool runs(const LaneRecord& lane, Index model) const;

    CostModel& costs_;
    Slab<DeviceRecord> devices_;
    Slab<LaneRecord> lanes_;
    Slab<InstanceRecord> instances_;
    Slab<InFlight> batches_;
    std::vector<ClassRecord> classes_;
    std::vector<Index> all_lanes_;
    std::map<DeviceId, Index> device_by_id_;
    std::map<LaneId, Index> lane_by_id_;
    std::map<InstanceId, Index> instance_by_id_;
    std::pmr::unsynchronized_pool_resource nodes_;
    std::pmr::unordered_map<BatchId, Index> batch_by_id_;
    TimerHeap binding_;  ///< of lanes that wait
    TimePoint reviewed_;
};

}  // namespace bunch
