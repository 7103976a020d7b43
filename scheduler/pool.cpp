#include "scheduler/pool.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/check.h"

namespace bunch {
namespace {

constexpr Duration kShortestLead = std::chrono::milliseconds(1);
constexpr int kRunsPerLead = 10;         // a lead is at least a tenth of the run that it covers,
constexpr int kCopiesPerLead = 2;        // and two copies: an estimate may be off by its own size,
constexpr double kSaturationGain = 0.3;  // of a review
constexpr double kPaceThatMatters = 0.02;     // logarithm of what a class's devices have in common
constexpr double kUsefulnessGain = 0.1;       // of a review
constexpr double kSlowSaturationGain = 0.02;  // of a review
constexpr double kDeviationsPerLead = 3;      // and a copy while the run ends early

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

void Pool::bring_up(Index device, const DeviceInfo& info, TimePoint at) {
    DeviceRecord& record = devices_[device];
    BUNCH_CHECK(record.lanes.empty());
    record.device_class = costs_.class_named(info.device_class).value;
    if (record.device_class >= classes_.size()) classes_.resize(record.device_class + 1);
    record.is_up = true;
    record.slots = std::max(1u, info.slots_per_lane);
    record.swap = Swap::none;
    record.loaded_at = TimePoint();  // whatever it holds, it has held for long
    for (const LaneId id : info.lanes) {
        if (find_lane(id) != kNone) continue;  // said twice, or another device's
        const Index lane = lanes_.acquire();
        lanes_[lane] = {};
        lanes_[lane].id = id;
        lanes_[lane].device = device;
        lanes_[lane].device_class = record.device_class;
        lanes_[lane].free_at = at;
        lane_by_id_.emplace(id, lane);
        all_lanes_.push_back(lane);
        record.lanes.push_back(lane);
        ++classes_[record.device_class].lanes;
        set_state(lane, LaneState::due);
    }
}

void Pool::remove_device(Index device) {
    BUNCH_CHECK(devices_[device].lanes.empty() && devices_[device].instances.empty());
    device_by_id_.erase(devices_[device].id);
    devices_.release(device);
}

Index Pool::instance_on(Index device, Index model) const {
    const std::vector<Index>& by_model = devices_[device].instance_of_model;
    return model < by_model.size() ? by_model[model] : kNone;
}

Index Pool::add_instance(const InstanceInfo& info, Index model) {
    const Index device_index = device(info.device);
    if (const Index known = find_instance(info.instance); known != kNone) remove_instance(known);
    if (const Index other = instance_on(device_index, model); other != kNone)
        remove_instance(other);
    const Index index = instances_.acquire();
    instances_[index] = {};
    instances_[index].info = info;
    instances_[index].model = model;
    instances_[index].device = device_index;
    instance_by_id_.emplace(info.instance, index);
    DeviceRecord& record = devices_[device_index];
    record.instances.push_back(index);
    if (model >= record.instance_of_model.size()) record.instance_of_model.resize(model + 1, kNone);
    record.instance_of_model[model] = index;
    return index;
}

void Pool::remove_instance(Index instance) {
    const InstanceRecord& record = instances_[instance];
    std::erase(devices_[record.device].instances, instance);
    devices_[record.device].instance_of_model[record.model] = kNone;
    instance_by_id_.erase(record.info.instance);
    instances_.release(instance);
}

Index Pool::add_batch(Index lane, BatchId id, TimePoint at) {
    const Index index = batches_.acquire();
    InFlight& batch = batches_[index];
    LaneRecord& on = lanes_[lane];
    batch.id = id;
    batch.lane = lane;
    batch.device = on.device;
    batch.is_started = false;
    batch.was_behind = !on.batches.empty();
    batch.others = busy_beside(lane);
    batch.group.slices.clear();
    batch_by_id_.emplace(id, index);
    if (on.batches.empty()) {
        count_busy(on.device_class, at);
        ++classes_[on.device_class].busy;
        ++devices_[on.device].busy_lanes;
    }
    on.batches.push_back(index);
    return index;
}

void Pool::remove_batch(Index batch, TimePoint at) {
    LaneRecord& on = lanes_[batches_[batch].lane];
    std::erase(on.batches, batch);
    if (on.batches.empty()) {
        count_busy(on.device_class, at);
        --classes_[on.device_class].busy;
        --devices_[on.device].busy_lanes;
    }
    batch_by_id_.erase(batches_[batch].id);
    batches_.release(batch);
}

void Pool::remove_lane(Index lane) {
    BUNCH_CHECK(lanes_[lane].batches.empty());
    set_state(lane, LaneState::gone);
    --classes_[lanes_[lane].device_class].lanes;
    std::erase(devices_[lanes_[lane].device].lanes, lane);
    std::erase(all_lanes_, lane);
    lane_by_id_.erase(lanes_[lane].id);
    lanes_.release(lane);
}

void Pool::refresh(Index lane, TimePoint at) {
    LaneRecord& record = lanes_[lane];
    const DeviceRecord& device = devices_[record.device];
    record.free_at = at;
    const bool is_shut = record.health == LaneHealth::quarantined || device.swap != Swap::none;
    if (record.batches.empty())
        return set_state(lane, is_shut ? LaneState::closed : LaneState::due);
    // Batches run one after the other; the copies of later ones overlap the runs of earlier ones.
    TimePoint end = batches_[record.batches.front()].begin;
    bool is_known = true;
    for (const Index index : record.batches) {
        const InFlight& batch = batches_[index];
        is_known = is_known && batch.curve->known();
        const Duration run = batch.curve->run(batch.rows, run_on(batch));
        end = saturating_add(std::max(end, batch.begin), run);
    }
    record.free_at = std::max(at, end);
    const std::size_t slots = record.health == LaneHealth::sound ? device.slots : 1;
    if (is_shut || record.batches.size() >= slots) return set_state(lane, LaneState::closed);
    const TimePoint bind_at = is_known ? record.free_at - lead(record) : at;
    if (record.state == LaneState::waiting) set_state(lane, LaneState::closed);
    record.bind_at = bind_at;
    set_state(lane, bind_at <= at ? LaneState::due : LaneState::waiting);
}

Duration Pool::lead(const LaneRecord& lane) const {
    const InFlight& last = batches_[lane.batches.back()];
    const Duration run = last.curve->run(last.rows, {0, 1, last.shape});
    const Duration copy = devices_[lane.device].longest_copy;
    const Duration early =
        from_seconds(to_seconds(run) * kDeviationsPerLead * last.curve->deviation());
    return std::max({kShortestLead, kCopiesPerLead * copy, run / kRunsPerLead, copy + early});
}

Index Pool::wake(TimePoint at) {
    if (binding_.empty() || binding_.first_time() > at) return kNone;
    const Index lane = binding_.first();
    set_state(lane, LaneState::due);
    return lane;
}

std::optional<TimePoint> Pool::next_wake() const {
    if (binding_.empty()) return std::nullopt;
    return binding_.first_time();
}

void Pool::set_state(Index lane, LaneState state) {
    LaneRecord& record = lanes_[lane];
    if (record.state == state) return;
    auto& lists = classes_[record.device_class].in_state;
    if (record.state != LaneState::gone) {
        std::vector<Index>& from = lists[static_cast<std::size_t>(record.state)];
        lanes_[from.back()].place = record.place;
        from[record.place] = from.back();
        from.pop_back();
    }
    if (record.state == LaneState::waiting) binding_.remove(lane);
    if (state == LaneState::waiting) binding_.set(lane, record.bind_at);
    record.state = state;
    if (state == LaneState::gone) return;
    std::vector<Index>& to = lists[static_cast<std::size_t>(state)];
    record.place = to.size();
    to.push_back(lane);
}

std::uint32_t Pool::busy_beside(Index lane) const {
    const LaneRecord& record = lanes_[lane];
    return devices_[record.device].busy_lanes - (record.batches.empty() ? 0 : 1);
}

RunOn Pool::run_on(Index lane, ShapeClass shape) const {
    return {busy_beside(lane), devices_[lanes_[lane].device].pace, shape};
}

RunOn Pool::run_on(const InFlight& batch) const {
    return {batch.others, devices_[batch.device].pace, batch.shape};
}

bool Pool::runs(const LaneRecord& lane, Index model) const {
    const Index instance = instance_on(lane.device, model);
    return instance != kNone && instances_[instance].is_usable;
}

TimePoint Pool::earliest_free(Index device_class, Index model, TimePoint at) const {
    const ClassRecord& record = classes_[device_class];
    for (const Index lane : record.due())
        if (lanes_[lane].batches.empty() && runs(lanes_[lane], model)) return at;
    TimePoint earliest = kNever;
    for (const LaneState state : {LaneState::due, LaneState::waiting, LaneState::closed}) {
        for (const Index index : record.list(state)) {
            const LaneRecord& lane = lanes_[index];
            if (lane.health != LaneHealth::sound || devices_[lane.device].swap != Swap::none ||
                !runs(lane, model))
                continue;
            // One that is overdue may be stalled: it is expected to be late as long again.
            earliest =
                std::min(earliest, lane.free_at >= at ? lane.free_at : at + (at - lane.free_at));
        }
    }
    return earliest;
}

void Pool::count_busy(Index device_class, TimePoint at) {
    ClassRecord& record = classes_[device_class];
    if (at > record.counted_at)
        record.busy_time += static_cast<double>(record.busy) * to_seconds(at - record.counted_at);
    record.counted_at = std::max(at, record.counted_at);
}

/// What the paces of a class's devices have in common belongs to the class's curves.
bool Pool::share_pace(Index device_class) {
    double sum = 0;
    double devices = 0;
    each_device([&](Index index) {
        if (devices_[index].device_class != device_class || !devices_[index].is_up) return;
        sum += std::log(devices_[index].pace);
        devices += 1;
    });
    if (devices == 0 || std::abs(sum / devices) < kPaceThatMatters) return false;
    const double common = std::exp(sum / devices);
    costs_.rescale(ClassId{device_class}, common);
    each_device([&](Index index) {
        if (devices_[index].device_class == device_class) devices_[index].pace /= common;
    });
    return true;
}

void Pool::review(TimePoint at) {
    for (Index i = 0; i < classes_.size(); ++i) {
        ClassRecord& record = classes_[i];
        count_busy(i, at);
        const double time = to_seconds(at - reviewed_) * static_cast<double>(record.lanes);
        const double used = time > 0 ? std::min(1.0, record.busy_time / time) : 0;
        record.saturation += kSaturationGain * (used - record.saturation);
        record.slow_saturation += kSlowSaturationGain * (used - record.slow_saturation);
        const double useful = time > 0 ? record.useful_time / time : 0;
        record.usefulness += kUsefulnessGain * (std::min(1.5, useful) - record.usefulness);
        record.busy_time = record.useful_time = 0;
    }
    reviewed_ = at;
}

}  // namespace bunch
