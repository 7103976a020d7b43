#include "tests/simulation/machines.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "scheduler/failures.h"

namespace bunch::simulation {
namespace {

using namespace std::chrono_literals;

constexpr Duration kLongestIdle = 40ms;    // of a lane that could run what waits
constexpr Duration kMaybeHanging = 500ms;  // a run that takes no longer is not suspicious
constexpr Duration kLeastHang = 1100ms;    // one that takes longer may be
constexpr Duration kLongestCheck = 100ms;  // until the scheduler has noticed it
constexpr int kSurelyHanging = 40;         // times the predicted run
constexpr int kSurelySound = 12;           // times the predicted run

bool is_poison(CallId call, double part) {
    return static_cast<double>(call.value * 0x9E3779B97F4A7C15u >> 11) * 0x1p-53 < part;
}

std::string text(const Batch& batch) {
    std::string line = "batch " + std::to_string(batch.id.value) + " of model " +
                       std::to_string(batch.model.value) + " on lane " +
                       std::to_string(batch.lane.value) + ":";
    for (const Slice& slice : batch.slices)
        line += " " + std::to_string(slice.call.value) + "[" + std::to_string(slice.first_row) +
                "+" + std::to_string(slice.rows) + "]";
    return line;
}

}  // namespace

Machines::Machines(Life& life) : life_(life) {
    const std::uint32_t count = life.chance.between(1, 3);
    for (std::uint32_t i = 0; i < count; ++i) devices_.push_back(random_device(i));
}

Machines::Device Machines::random_device(std::uint32_t number) {
    Chance& chance = life_.chance;
    Device device;
    device.id = DeviceId{number + 10};
    device.lane_count = chance.between(1, 3);
    device.slots = chance.between(1, 3);
    if (life_.habits.has_images && chance.happens(0.6)) {
        device.device_class = "fpga";
        device.fixed = 100us;
        device.per_row = 80us;
        device.holds = 1;
        device.load_time = 1ms + chance.up_to(20ms);
    } else if (chance.happens(0.5)) {
        device.device_class = "quick";
        device.fixed = 500us;
        device.per_row = 50us;
    } else {
        device.device_class = "slow";
        device.fixed = 200us;
        device.per_row = 400us;
    }
    if (chance.happens(0.2)) device.per_row *= 2;
    for (const ModelPolicy& model : life_.config.models) {
        if (number != 0 && !chance.happens(0.8)) continue;
        const bool has_image = device.holds != 0 && chance.happens(0.9);
        device.models[model.model] = has_image ? chance.between(1, 3) : 0;
    }
    return device;
}

void Machines::plan() {
    Chance& chance = life_.chance;
    recall_something();
    for (std::size_t i = 0; i < devices_.size(); ++i) {
        for (const auto& [model, image] : devices_[i].models)
            life_.after(0ns, [this, i, model = model] {
                const InstanceId id{next_instance_++};
                life_.scheduler.instance_up(
                    life_.clock(), {id, model, devices_[i].id, 1, InstanceState::expected, 0, {}});
            });
        life_.after(chance.up_to(10ms), [this, i] { bring_up(i); });
        for (std::uint64_t losses = chance.below(4); losses > 0; --losses) {
            const bool for_good = chance.happens(0.1);
            life_.after(chance.up_to(life_.habits.lasts),
                        [this, i, for_good] { lose(i, for_good); });
        }
    }
    for (std::uint64_t i = chance.below(3); i > 0; --i)
        life_.after(chance.up_to(life_.habits.lasts), [this] { unload_some(); });
}

/// In some lives run times are remembered; in few they are wrong.
void Machines::recall_something() {
    Chance& chance = life_.chance;
    if (!life_.habits.is_misled) return;
    std::vector<LearntCurve> curves;
    for (const ModelPolicy& model : life_.config.models) {
        for (const char* device_class : {"quick", "slow", "fpga"}) {
            LearntCurve curve;
            curve.model = model.model;
            curve.device_class = device_class;
            const Duration fixed = chance.happens(0.2) ? Duration(10s) : Duration(5ms);
            curve.fixed = to_seconds(chance.up_to(fixed));
            curve.per_row = to_seconds(chance.up_to(2ms));
            curve.per_row_contended = to_seconds(chance.up_to(1ms));
            curve.upper_factor = 1 + to_seconds(chance.up_to(1s));
            curve.deviation = to_seconds(chance.up_to(1s));
            curve.gather_per_row = to_seconds(chance.up_to(100us));
            curve.smallest_rows = chance.between(0, 3);
            curve.largest_rows = chance.between(1, 16);
            const double correction = chance.happens(0.5) ? 1.3 : 1e9;
            curve.corrections.assign(chance.below(20), correction);
            curves.push_back(curve);
        }
    }
    life_.after(0ns, [this, curves] { life_.scheduler.recall(life_.clock(), curves); });
}

void Machines::bring_up(std::size_t index) {
    Device& device = devices_[index];
    device.is_up = true;
    ++device.lives;
    if (device.holds != 0) device.holds = life_.chance.between(1, 3);
    for (std::uint32_t i = 0; i < device.lane_count; ++i) {
        device.lanes.push_back(LaneId{next_lane_++});
        lanes_[device.lanes.back()] = {index, {}, life_.now(), false, false, false};
    }
    life_.trace("device " + std::to_string(device.id.value) + " " + device.device_class +
                " is up with lanes from " + std::to_string(device.lanes.front().value));
    life_.scheduler.device_up(life_.clock(),
                              {device.id, device.device_class, device.lanes, device.slots});
    for (const auto& [model, image] : device.models)
        life_.after(life_.chance.up_to(5ms), [this, index, model = model, life = device.lives] {
            const Device& now = devices_[index];
            if (now.is_up && now.lives == life && !now.loading) announce(index, model);
        });
}

/// Tells of an instance: ready, or loadable where the device holds another image.
void Machines::announce(std::size_t index, ModelId model) {
    const Device& device = devices_[index];
    std::erase_if(instances_, [&](const auto& entry) {
        return entry.second.device == index && entry.second.model == model;
    });
    const ImageNumber image = device.models.at(model);
    const bool is_ready = image == 0 || image == device.holds;
    const std::uint32_t limit = life_.chance.between(1, 16);
    const InstanceId id{next_instance_++};
    instances_[id] = {model, index, limit, is_ready, life_.now()};
    life_.trace("model " + std::to_string(model.value) + " on device " +
                std::to_string(device.id.value) + (is_ready ? " is ready" : " is loadable") +
                ", limit " + std::to_string(limit));
    life_.scheduler.instance_up(
        life_.clock(),
        {id, model, device.id, limit, is_ready ? InstanceState::ready : InstanceState::loadable,
         image, device.load_time});
}

void Machines::unload_some() {
    if (instances_.empty()) return;
    auto chosen = instances_.begin();
    std::advance(chosen, static_cast<std::ptrdiff_t>(life_.chance.below(instances_.size())));
    if (devices_[chosen->second.device].loading) return;
    life_.scheduler.instance_down(life_.clock(), chosen->first);
    instances_.erase(chosen);
}

void Machines::forget_lane(LaneId lane) {
    for (const Running& running : lanes_.at(lane).batches)
        life_.ledger.lost(life_.now(), running.batch, started_.contains(running.batch.id));
    lanes_.erase(lane);
}

void Machines::lose(std::size_t index, bool for_good) {
    Device& device = devices_[index];
    if (!device.is_up) return;
    life_.trace("device " + std::to_string(device.id.value) + " is lost");
    device.is_up = false;
    device.loading.reset();
    for (const LaneId lane : device.lanes) forget_lane(lane);
    device.lanes.clear();
    std::erase_if(instances_, [&](const auto& entry) { return entry.second.device == index; });
    if (for_good) return life_.scheduler.device_gone(life_.clock(), device.id);
    life_.scheduler.device_lost(life_.clock(), device.id);
    life_.after(life_.chance.up_to(60ms), [this, index] { bring_up(index); });
}

void Machines::lose_lane(LaneId lane) {
    const auto found = lanes_.find(lane);
    if (found == lanes_.end()) return;
    const std::size_t device = found->second.device;
    if (life_.chance.happens(0.5)) {
        life_.trace("lane " + std::to_string(lane.value) + " is lost");
        forget_lane(lane);
        std::erase(devices_[device].lanes, lane);
        life_.scheduler.lane_lost(life_.clock(), lane);
    }
    // As the daemon does it: a runner that has lost a lane is restarted.
    life_.after(life_.chance.up_to(2ms), [this, device, life = devices_[device].lives] {
        if (devices_[device].lives == life) lose(device, false);
    });
}

void Machines::load_image(const Load& load) {
    life_.print(load.device.value);
    life_.print(load.model.value);
    const auto device = std::find_if(devices_.begin(), devices_.end(),
                                     [&](const Device& one) { return one.id == load.device; });
    if (device == devices_.end() || !device->is_up)
        return life_.ledger.note("a load for a device that is not up");
    const auto index = static_cast<std::size_t>(device - devices_.begin());
    if (device->loading) return life_.ledger.note("a device is to load twice at a time");
    for (const LaneId lane : device->lanes)
        if (!lanes_.at(lane).batches.empty())
            life_.ledger.note("a device is to load while it has batches");
    const bool can_load = std::any_of(instances_.begin(), instances_.end(), [&](const auto& entry) {
        return entry.second.device == index && entry.second.model == load.model &&
               !entry.second.is_ready;
    });
    if (!can_load) return life_.ledger.note("a load of a model that is not loadable there");
    const ImageNumber image = device->models.at(load.model);
    life_.trace("device " + std::to_string(device->id.value) + " loads image " +
                std::to_string(image));
    device->loading = image;
    life_.after(device->load_time,
                [this, index, image, life = device->lives] { end_load(index, image, life); });
}

void Machines::end_load(std::size_t index, ImageNumber image, std::uint64_t life) {
    Device& device = devices_[index];
    if (!device.is_up || device.lives != life) return;
    device.loading.reset();
    const bool has_failed = life_.chance.happens(0.15);
    if (!has_failed) device.holds = image;
    life_.trace("device " + std::to_string(device.id.value) +
                (has_failed ? " could not load" : " has loaded"));
    if (!has_failed) {
        for (const auto& [model, of] : device.models)
            if (of != 0) announce(index, model);
        return;
    }
    for (auto next = instances_.begin(); next != instances_.end();) {
        const auto here = next++;
        if (here->second.device != index || device.models.at(here->second.model) != image) continue;
        life_.scheduler.instance_down(life_.clock(), here->first);
        instances_.erase(here);
    }
}

void Machines::start(const Dispatch& dispatch) {
    const Batch& batch = dispatch.batch;
    life_.trace(text(batch) + ", " + std::string(name_of(dispatch.closed_by)));
    life_.print(batch.id.value);
    life_.print(batch.lane.value);
    life_.print(static_cast<std::uint64_t>(dispatch.closed_by));
    life_.print(static_cast<std::uint64_t>(dispatch.predicted_run.count()));
    for (const Slice& slice : batch.slices) {
        life_.print(slice.call.value);
        life_.print(slice.rows);
    }
    if (!is_in_order(batch)) return;
    Lane& lane = lanes_.at(batch.lane);
    lane.batches.push_back({batch, {}, dispatch.predicted_run});
    if (lane.batches.size() == 1) begin_front(batch.lane);
}

/// Whether there is such a lane and instance; everything else that is wrong is noted.
bool Machines::is_in_order(const Batch& batch) {
    const auto found = lanes_.find(batch.lane);
    const auto instance = instances_.find(batch.instance);
    Ledger& ledger = life_.ledger;
    if (found == lanes_.end()) ledger.note("a batch for a lane that is gone");
    if (instance == instances_.end() || !instance->second.is_ready)
        ledger.note("a batch for an instance that is not ready");
    if (!ledger.problem().empty()) return false;
    const Lane& lane = found->second;
    const Device& device = devices_[lane.device];
    const ModelPolicy* model = life_.policy(batch.model);
    if (instance->second.device != lane.device || instance->second.model != batch.model)
        ledger.note("the instance is not that of the model on the lane's device");
    if (device.loading) ledger.note("a batch for a device that is loading");
    if (lane.batches.size() >= device.slots) ledger.note("a batch for a lane without a free slot");
    check_lane(lane, batch);
    DispatchContext context;
    context.at = life_.seen();
    context.row_limit = instance->second.limit;
    if (model != nullptr) context.row_limit = std::min(context.row_limit, model->max_batch_rows);
    context.one_call_per_batch =
        model != nullptr && (!model->batched || model->numerics == Numerics::bitwise);
    context.first_come = !life_.habits.has_tenants;
    ledger.dispatched(batch, context);
    if (model != nullptr && model->numerics != Numerics::any) {
        classes_used_[batch.model].insert(device.device_class);
        if (classes_used_[batch.model].size() > 1) ledger.note("a model runs on two classes");
    }
    return true;
}

/// Whether the oldest batch of a lane has run for so long that the lane must be quarantined.
bool Machines::hangs(const Lane& lane) const {
    if (lane.batches.empty()) return false;
    const Running& oldest = lane.batches.front();
    const std::string& device_class = devices_[lane.device].device_class;
    const auto known = known_since_.find({oldest.batch.model, device_class});
    if (known == known_since_.end()) return false;
    const Duration predicted =
        std::max(life_.scheduler.predicted_run(oldest.batch.model, device_class, oldest.batch.rows)
                     .value_or(0ns),
                 oldest.predicted);
    return life_.seen() - oldest.began > std::max(kSurelyHanging * predicted, kLeastHang) &&
           life_.seen() - known->second > kLongestCheck;
}

void Machines::check_lane(const Lane& lane, const Batch& batch) {
    if (hangs(lane)) life_.ledger.note("a batch for a lane that hangs");
    if (lane.is_on_probation && (batch.rows > 1 || !lane.batches.empty()))
        life_.ledger.note("more than a probe for a lane that has hung");
}

Duration Machines::run_time(const Device& device, std::uint32_t rows) {
    Chance& chance = life_.chance;
    Duration run = device.fixed + rows * device.per_row;
    run += chance.up_to(chance.happens(life_.habits.stall) ? Duration(50ms) : Duration(100us));
    if (chance.happens(life_.habits.hang)) run += 1s + chance.up_to(10s);
    return run;
}

void Machines::begin_front(LaneId id) {
    Lane& lane = lanes_.at(id);
    Running& oldest = lane.batches.front();
    oldest.began = life_.now();
    if (life_.chance.happens(0.95)) {
        started_.insert(oldest.batch.id);
        life_.scheduler.batch_started(life_.clock(), oldest.batch.id);
    }
    const Duration run = run_time(devices_[lane.device], oldest.batch.rows);
    const bool is_deadly =
        std::any_of(oldest.batch.slices.begin(), oldest.batch.slices.end(),
                    [&](const Slice& slice) { return is_poison(slice.call, life_.habits.poison); });
    const BatchId batch = oldest.batch.id;
    if (is_deadly)
        life_.after(run / 2, [this, id] { lose_lane(id); });
    else
        life_.after(run, [this, id, batch, run] { finish_front(id, batch, run); });
}

void Machines::finish_front(LaneId id, BatchId batch_id, Duration run) {
    const auto found = lanes_.find(id);
    if (found == lanes_.end()) return;  // lost in the meantime
    Lane& lane = found->second;
    const bool has_hung = std::exchange(lane.is_hanging, false);
    Running oldest = std::move(lane.batches.front());
    lane.batches.pop_front();
    lane.idle_since = life_.now();
    Batch& batch = oldest.batch;
    if (batch.id != batch_id) life_.ledger.note("the simulation finishes the wrong batch");
    Chance& chance = life_.chance;
    RunReport report{StatusCode::ok, chance.up_to(50us), chance.up_to(20us), run};
    const StatusCode failure = chance.happens(0.5) ? StatusCode::internal : StatusCode::unavailable;
    if (chance.happens(life_.habits.failure)) report = {failure, 0ns, 0ns, 0ns};
    if (report.code == StatusCode::ok) {
        life_.ledger.done(life_.now(), batch);
        known_since_.try_emplace({batch.model, devices_[lane.device].device_class}, life_.now());
    } else if (batch.slices.size() > 1 && blames_data(report.code)) {
        life_.ledger.lost(life_.now(), batch, true);
    } else {
        life_.ledger.failed(life_.now(), batch);
    }
    life_.trace("batch " + std::to_string(batch.id.value) + " is through after " +
                std::to_string(run / 1us) + " us");
    if (has_hung)
        lane.is_on_probation = true;
    else if (report.code == StatusCode::ok &&
             (oldest.predicted == 0ns || run <= kSurelySound * oldest.predicted))
        lane.is_on_probation = false;
    life_.scheduler.batch_done(life_.clock(), batch_id, report);
    life_.scheduler.recycle(std::move(batch));
    if (!lane.batches.empty()) begin_front(id);
}

void Machines::check() {
    std::uint64_t on_lanes = 0;
    for (const auto& [id, lane] : lanes_) on_lanes += lane.batches.size();
    if (life_.scheduler.stats().batches_in_flight != on_lanes)
        life_.ledger.note("batches are miscounted");
    for (auto& [id, lane] : lanes_) {
        const bool is_long =
            !lane.batches.empty() && life_.now() - lane.batches.front().began > kMaybeHanging;
        lane.is_doubtful = lane.is_doubtful || is_long;
        lane.is_hanging = lane.is_hanging || hangs(lane);
    }
    excuse_lanes();
    if (life_.habits.is_misled) return;
    for (const auto& [id, instance] : instances_)
        if (instance.is_ready) check_idle(instance);
}

/// Lanes of a reconfigurable device may idle until the others are through, for a load.
void Machines::excuse_lanes() {
    for (const Device& device : devices_) {
        const bool is_busy = std::any_of(device.lanes.begin(), device.lanes.end(),
                                         [&](LaneId id) { return !lanes_.at(id).batches.empty(); });
        if (device.holds == 0 || !(is_busy || device.loading)) continue;
        for (const LaneId id : device.lanes) lanes_.at(id).idle_since = life_.now();
    }
}

/// A lane may wait for more rows, or leave them to a better class, but not for long.
void Machines::check_idle(const Instance& instance) {
    const ModelPolicy* model = life_.policy(instance.model);
    const Device& device = devices_[instance.device];
    if (model == nullptr || model->numerics != Numerics::any || device.loading) return;
    const TimePoint waits_since = life_.ledger.waits_since(instance.model);
    if (waits_since == kNever) return;
    for (const LaneId id : device.lanes) {
        const Lane& lane = lanes_.at(id);
        if (!lane.batches.empty() || lane.is_doubtful) continue;
        const TimePoint since =
            std::max({waits_since, instance.since, lane.idle_since, life_.leapt_at()});
        if (life_.now() - since > kLongestIdle)
            life_.ledger.note("lane " + std::to_string(id.value) + " idles while calls of model " +
                              std::to_string(instance.model.value) + " wait");
    }
}

}  // namespace bunch::simulation
