#include "scheduler/pool.h"

#include <algorithm>
#include <chrono>

#include "core/check.h"

namespace bunch {
namespace {

constexpr Duration kShortestLead = std::chrono::milliseconds(1);
constexpr int kRunsPerLead = 10;          // a lead is at least a tenth of the run that it covers,
constexpr int kCopiesPerLead = 2;         // and two copies: an estimate may be off by its own size,
constexpr double kDeviationsPerLead = 3;  // and a copy while the run ends early

template <typename Map, typename Key>
Index find_in(const Map& map, Key key) {
    const auto found = map.find(key);
    return found == map.end() ? kNone : found->second;
}

}  // namespace

Index Pool::device(DeviceId id) {
    if (const Index known = find_device(id); known != kNone) return known;
    const Index index = devices_.acquire();
    devices_[index] = {};
    devices_[index].id = id;
    device_by_id_.emplace(id, index);
    return index;
}

Index Pool::find_device(DeviceId id) const {
    return find_in(device_by_id_, id);
}
Index Pool::find_lane(LaneId id) const {
    return find_in(lane_by_id_, id);
}
Index Pool::find_instance(InstanceId id) const {
    return find_in(instance_by_id_, id);
}
Index Pool::find_batch(BatchId id) const {
    return find_in(batch_by_id_, id);
}

void Pool::bring_up(Index device, const DeviceInfo& info) {
    DeviceRecord& record = devices_[device];
    BUNCH_CHECK(record.lanes.empty());
    record.device_class = costs_.class_named(info.device_class);
    record.is_up = true;
    record.slots = std::max(1u, info.slots_per_lane);
    for (const LaneId id : info.lanes) {
        if (find_lane(id) != kNone) continue;  // said twice, or another device's
        const Index lane = lanes_.acquire();
        lanes_[lane] = {};
        lanes_[lane].id = id;
        lanes_[lane].device = device;
        lane_by_id_.emplace(id, lane);
        record.lanes.push_back(lane);
        set_state(lane, LaneState::due);
    }
}

void Pool::remove_device(Index device) {
    BUNCH_CHECK(devices_[device].lanes.empty() && devices_[device].instances.empty());
    device_by_id_.erase(devices_[device].id);
    devices_.release(device);
}

Index Pool::add_instance(const InstanceInfo& info, Index model) {
    const Index device_index = device(info.device);
    if (const Index known = find_instance(info.instance); known != kNone) remove_instance(known);
    const std::vector<Index> on_device = devices_[device_index].instances;
    for (const Index other : on_device) {
        if (instances_[other].model == model) remove_instance(other);
    }
    const Index index = instances_.acquire();
    instances_[index] = {};
    instances_[index].info = info;
    instances_[index].model = model;
    instances_[index].device = device_index;
    instance_by_id_.emplace(info.instance, index);
    devices_[device_index].instances.push_back(index);
    return index;
}

void Pool::remove_instance(Index instance) {
    std::erase(devices_[instances_[instance].device].instances, instance);
    instance_by_id_.erase(instances_[instance].info.instance);
    instances_.release(instance);
}

Index Pool::add_batch(Index lane, BatchId id) {
    const Index index = batches_.acquire();
    InFlight& batch = batches_[index];
    batch.id = id;
    batch.lane = lane;
    batch.device = lanes_[lane].device;
    batch.is_started = false;
    batch.was_behind = !lanes_[lane].batches.empty();
    batch.group.slices.clear();
    batch_by_id_.emplace(id, index);
    lanes_[lane].batches.push_back(index);
    return index;
}

void Pool::remove_batch(Index batch) {
    std::erase(lanes_[batches_[batch].lane].batches, batch);
    batch_by_id_.erase(batches_[batch].id);
    batches_.release(batch);
}

void Pool::remove_lane(Index lane) {
    BUNCH_CHECK(lanes_[lane].batches.empty());
    set_state(lane, LaneState::gone);
    std::erase(devices_[lanes_[lane].device].lanes, lane);
    lane_by_id_.erase(lanes_[lane].id);
    lanes_.release(lane);
}

void Pool::refresh(Index lane, TimePoint at) {
    LaneRecord& record = lanes_[lane];
    record.free_at = at;
    if (record.batches.empty()) return set_state(lane, LaneState::due);
    // Batches run one after the other; the copies of later ones overlap the runs of earlier ones.
    TimePoint end = batches_[record.batches.front()].begin;
    bool is_known = true;
    for (const Index index : record.batches) {
        const InFlight& batch = batches_[index];
        is_known = is_known && batch.curve->known();
        end = saturating_add(std::max(end, batch.begin), batch.curve->run(batch.rows));
    }
    record.free_at = std::max(at, end);
    if (record.batches.size() >= devices_[record.device].slots)
        return set_state(lane, LaneState::closed);
    const TimePoint bind_at = is_known ? record.free_at - lead(record) : at;
    if (record.state == LaneState::waiting) set_state(lane, LaneState::closed);
    record.bind_at = bind_at;
    set_state(lane, bind_at <= at ? LaneState::due : LaneState::waiting);
}

Duration Pool::lead(const LaneRecord& lane) const {
    const InFlight& last = batches_[lane.batches.back()];
    const Duration run = last.curve->run(last.rows);
    const Duration copy = devices_[lane.device].longest_copy;
    const Duration early =
        from_seconds(to_seconds(run) * kDeviationsPerLead * last.curve->deviation());
    return std::max({kShortestLead, kCopiesPerLead * copy, run / kRunsPerLead, copy + early});
}

Index Pool::wake(TimePoint at) {
    if (waiting_.empty() || waiting_.begin()->first > at) return kNone;
    const Index lane = waiting_.begin()->second;
    set_state(lane, LaneState::due);
    return lane;
}

std::optional<TimePoint> Pool::next_wake() const {
    if (waiting_.empty()) return std::nullopt;
    return waiting_.begin()->first;
}

void Pool::set_state(Index lane, LaneState state) {
    LaneRecord& record = lanes_[lane];
    if (record.state == state) return;
    if (record.state == LaneState::waiting) waiting_.erase({record.bind_at, lane});
    if (record.state == LaneState::due) --due_lanes_;
    if (state == LaneState::waiting) waiting_.emplace(record.bind_at, lane);
    if (state == LaneState::due) ++due_lanes_;
    if (state == LaneState::due || record.state == LaneState::closed) ++openings_;
    record.state = state;
}

}  // namespace bunch
