/// The devices, their lanes, the models on them, and the batches that are on lanes: what exists,
/// and when each lane can take another batch. Knows no queues: dispatch.cpp brings both together.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "scheduler/cost_model.h"
#include "scheduler/events.h"
#include "scheduler/slab.h"
#include "scheduler/suspects.h"

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
    TimePoint begin;  ///< when it was, or is expected to have been, ready to run
};

enum class LaneState : std::uint8_t {
    gone,
    closed,   ///< every slot is taken
    waiting,  ///< a slot is free, but a batch that is bound later will be a fuller one
    due,      ///< takes whatever there is
};

struct LaneRecord {
    LaneId id;
    Index device = kNone;
    LaneState state = LaneState::gone;
    std::vector<Index> batches;  ///< oldest first
    TimePoint free_at;           ///< when all its batches are expected to be through
    TimePoint bind_at;           ///< when it stops waiting
};

struct InstanceRecord {
    InstanceInfo info;
    Index model = kNone;
    Index device = kNone;
    CostCurve* curve = nullptr;     ///< set while usable
    bool is_usable = false;         ///< ready, its device up, its class allowed
    std::uint32_t limit = 1;        ///< rows of a batch
    std::uint32_t class_lanes = 1;  ///< lanes of the same class that run the model
};

struct DeviceRecord {
    DeviceId id;
    std::optional<ClassId> device_class;  ///< once it has been up
    bool is_up = false;
    std::uint32_t slots = 1;
    std::vector<Index> lanes;
    std::vector<Index> instances;
    Duration longest_copy{};  ///< of recent batches
};

class Pool {
  public:
    explicit Pool(CostModel& costs) : costs_(costs) {}

    /// The record of a device, made if need be.
    Index device(DeviceId id);
    Index find_device(DeviceId id) const;
    Index find_lane(LaneId id) const;
    Index find_instance(InstanceId id) const;
    Index find_batch(BatchId id) const;

    /// Gives a device without lanes its class and lanes.
    void bring_up(Index device, const DeviceInfo& info);
    void remove_device(Index device);  ///< without lanes and instances

    /// Replaces any instance of the same id, and of the same model on the same device.
    Index add_instance(const InstanceInfo& info, Index model);
    void remove_instance(Index instance);

    /// A record for a new batch on a lane with a free slot; to be filled by the caller, who then
    /// calls refresh().
    Index add_batch(Index lane, BatchId id);

    /// Takes a batch off its lane and frees its record, whose content stays until add_batch().
    void remove_batch(Index batch);

    /// The lane and its record are gone. Needs a lane without batches.
    void remove_lane(Index lane);

    /// Works out again when the lane is free and its state.
    void refresh(Index lane, TimePoint at);

    /// The next lane whose wait is over by `at`, which is now due; or kNone.
    Index wake(TimePoint at);
    std::optional<TimePoint> next_wake() const;

    /// Counts events that may give a model a lane: while it stands still there is no new one.
    std::uint64_t openings() const { return openings_; }
    void note_opening() { ++openings_; }
    std::size_t due_lanes() const { return due_lanes_; }
    std::size_t open_lanes() const { return due_lanes_ + waiting_.size(); }  ///< due or waiting

    DeviceRecord& device_at(Index device) { return devices_[device]; }
    const DeviceRecord& device_at(Index device) const { return devices_[device]; }
    const LaneRecord& lane_at(Index lane) const { return lanes_[lane]; }
    InstanceRecord& instance_at(Index instance) { return instances_[instance]; }
    const InstanceRecord& instance_at(Index instance) const { return instances_[instance]; }
    InFlight& batch_at(Index batch) { return batches_[batch]; }
    const InFlight& batch_at(Index batch) const { return batches_[batch]; }

  private:
    void set_state(Index lane, LaneState state);
    Duration lead(const LaneRecord& lane) const;

    CostModel& costs_;
    Slab<DeviceRecord> devices_;
    Slab<LaneRecord> lanes_;
    Slab<InstanceRecord> instances_;
    Slab<InFlight> batches_;
    std::map<DeviceId, Index> device_by_id_;
    std::map<LaneId, Index> lane_by_id_;
    std::map<InstanceId, Index> instance_by_id_;
    std::unordered_map<BatchId, Index> batch_by_id_;
    std::set<std::pair<TimePoint, Index>> waiting_;
    std::uint64_t openings_ = 0;
    std::size_t due_lanes_ = 0;
};

}  // namespace bunch
