// What devices cause: coming and going, batches that are through, and batches that come back.
#include <algorithm>
#include <cmath>
#include <utility>

#include "scheduler/failures.h"
#include "scheduler/scheduler_impl.h"

namespace bunch {
namespace {

constexpr std::uint64_t kRunsBeforePace = 16;  // of a curve
constexpr double kPaceGain = 0.05;             // of the newest run
constexpr double kChangeGain = 0.3;            // of the newest run, when the device has changed
constexpr double kFarOff = 4;                  // deviations
constexpr double kMostPaceStep = 2;
constexpr double kMostPace = 16;

}  // namespace

void Scheduler::Impl::device_up(const DeviceInfo& info) {
    const Index device = pool_.device(info.device);
    lose_lanes(device);
    pool_.bring_up(device, info, now_);
    review_device(device);
}

void Scheduler::Impl::device_lost(Index device) {
    lose_lanes(device);
    DeviceRecord& record = pool_.device_at(device);
    record.is_up = false;
    record.swap = Swap::none;
    for (const Index instance : record.instances)
        pool_.instance_at(instance).info.state = InstanceState::expected;
    review_device(device);
}

void Scheduler::Impl::device_gone(Index device) {
    lose_lanes(device);
    const std::vector<Index> instances = pool_.device_at(device).instances;
    for (const Index instance : instances) instance_down(instance);
    pool_.remove_device(device);
}

void Scheduler::Impl::lose_lanes(Index device) {
    while (!pool_.device_at(device).lanes.empty()) lane_lost(pool_.device_at(device).lanes.front());
}

void Scheduler::Impl::lane_lost(Index lane) {
    const Index device = pool_.lane_at(lane).device;
    // The newest first: what goes to the front of the suspects stands there in its old order.
    while (!pool_.lane_at(lane).batches.empty()) return_batch(pool_.lane_at(lane).batches.back());
    pool_.remove_lane(lane);
    review_device(device);
}

void Scheduler::Impl::return_batch(Index index) {
    InFlight& batch = pool_.batch_at(index);
    ModelRecord& model = models_[batch.model];
    --model.batches_in_flight;
    model.rows_in_flight -= batch.rows;
    SuspectGroup group = std::move(batch.group);
    wait_again(batch.model, group);
    if (batch.is_started) {
        run_apart(batch.model, group);
    } else if (batch.is_alone) {
        std::erase_if(group.slices, [&](const HeldSlice& held) { return !calls_.is_open(held); });
        if (!group.slices.empty()) model.queue.add_suspects(calls_, std::move(group), true);
    } else {
        for (const HeldSlice& held : group.slices)
            if (calls_.is_open(held)) model.queue.put_back(calls_, held);
    }
    mark_dirty(batch.model);
    pool_.remove_batch(index, now_);
}

/// Slices are on their lane no more; those of open calls have to run again.
void Scheduler::Impl::wait_again(Index model, const SuspectGroup& group) {
    leave_order(model, group);
    for (const HeldSlice& held : group.slices) {
        if (!calls_.is_open(held)) continue;
        watch_deadline(calls_[held.call].ticket);
        if (held.client.value != 0) order_.waits(calls_, model, held.call);
    }
}

/// Slices of a batch that went wrong run again, so that at last the guilty one stands alone.
void Scheduler::Impl::run_apart(Index index, const SuspectGroup& group) {
    ModelRecord& model = models_[index];
    Verdict verdict = judge(group, calls_);
    // Behind other suspects, who are rather innocent; unless a client's order would be lost.
    const bool is_ordered =
        std::any_of(group.slices.begin(), group.slices.end(),
                    [](const HeldSlice& held) { return held.client.value != 0; });
    if (is_ordered) std::reverse(verdict.again.begin(), verdict.again.end());
    for (SuspectGroup& again : verdict.again)
        model.queue.add_suspects(calls_, std::move(again), is_ordered);
    if (verdict.culprit)
        end_call(verdict.culprit->call,
                 unavailable("model '" + model.policy.name +
                             "': the device was lost twice while it ran this request alone"),
                 RejectReason::culprit);
}

void Scheduler::Impl::instance_up(const InstanceInfo& info) {
    const Index model = model_index(info.model);
    if (model == kNone) return;
    if (const Index known = pool_.find_instance(info.instance); known != kNone)
        forget_instance(known);
    const std::vector<Index> others = models_[model].instances;
    for (const Index other : others) {
        if (pool_.instance_at(other).info.device == info.device) forget_instance(other);
    }
    models_[model].instances.push_back(pool_.add_instance(info, model));
    has_images_ = has_images_ || info.image != 0;
    const Index device = pool_.find_device(info.device);
    if (info.image != 0 && info.state == InstanceState::ready &&
        pool_.device_at(device).swap == Swap::loading)
        end_swap(device);
    review(model);
}

void Scheduler::Impl::instance_down(Index instance) {
    const Index model = pool_.instance_at(instance).model;
    const Index device = pool_.instance_at(instance).device;
    const DeviceRecord& record = pool_.device_at(device);
    const bool was_to_come = record.swap == Swap::loading && record.swap_to == model;
    forget_instance(instance);
    if (was_to_come) end_swap(device);  // it could not be loaded
    review(model);
    retire_if_unused(model);
}

void Scheduler::Impl::forget_instance(Index instance) {
    std::erase(models_[pool_.instance_at(instance).model].instances, instance);
    pool_.remove_instance(instance);
}

void Scheduler::Impl::review_device(Index device) {
    const std::vector<Index> instances = pool_.device_at(device).instances;
    for (const Index instance : instances) review(pool_.instance_at(instance).model);
    if (pool_.device_at(device).device_class != kNone)
        mark_class(pool_.device_at(device).device_class);
}

void Scheduler::Impl::mark_class(Index device_class) {
    if (std::exchange(pool_.class_at(device_class).is_dirty, true)) return;
    dirty_classes_.push_back(device_class);
}

/// Works out again which instances of a model can be used, after a change of anything.
void Scheduler::Impl::review(Index index) {
    ModelRecord& model = models_[index];
    pin_class(model);
    const bool was_live = std::exchange(model.is_live, false);
    model.is_expected = false;
    for (const ClassUse& use : model.uses) {
        std::erase(pool_.class_at(use.device_class).models, index);
        std::erase(pool_.class_at(use.device_class).losing, index);
    }
    model.uses.clear();
    for (const Index i : model.instances) {
        InstanceRecord& instance = pool_.instance_at(i);
        const DeviceRecord& device = pool_.device_at(instance.device);
        const bool is_allowed = !model.pinned || device.device_class == kNone ||
                                device.device_class == model.pinned->value;
        model.is_expected = model.is_expected || is_allowed;
        const bool can_run = is_allowed && device.is_up && !device.lanes.empty();
        instance.is_usable = can_run && instance.info.state == InstanceState::ready;
        // Where it could be loaded, calls wait for that as long as they like.
        model.is_live = model.is_live || instance.is_usable ||
                        (can_run && instance.info.state == InstanceState::loadable);
        if (instance.is_usable) add_use(model, instance, device);
    }
    for (const ClassUse& use : model.uses) {
        pool_.class_at(use.device_class).models.push_back(index);
        mark_class(use.device_class);
    }
    refresh_estimates(index);
    if (was_live && !model.is_live) model.dead_since = now_;
    std::erase(dead_models_, index);
    if (!model.is_live) dead_models_.push_back(index);
    mark_dirty(index);
}

void Scheduler::Impl::add_use(ModelRecord& model, InstanceRecord& instance,
                              const DeviceRecord& device) {
    instance.limit = std::clamp(instance.info.max_batch_rows, 1u, model.policy.max_batch_rows);
    instance.curve = &costs_.curve(model.policy.model, ClassId{device.device_class});
    auto use = std::find_if(model.uses.begin(), model.uses.end(), [&](const ClassUse& one) {
        return one.device_class == device.device_class;
    });
    if (use == model.uses.end()) {
        ClassUse added;
        added.device_class = device.device_class;
        added.curve = instance.curve;
        use = model.uses.insert(model.uses.end(), added);
    }
    use->lanes += static_cast<std::uint32_t>(device.lanes.size());
    use->limit = std::max(use->limit, instance.limit);
    use->usual_others =
        std::max(use->usual_others, static_cast<std::uint32_t>(device.lanes.size() - 1));
}

/// A model whose answers must not depend on the class stays with the first that is ready for it.
void Scheduler::Impl::pin_class(ModelRecord& model) {
    if (model.policy.numerics == Numerics::any) {
        model.pinned.reset();
        return;
    }
    for (const Index i : model.instances) {
        const InstanceRecord& instance = pool_.instance_at(i);
        const DeviceRecord& device = pool_.device_at(instance.device);
        if (model.pinned) return;
        if (instance.info.state == InstanceState::ready && device.is_up)
            model.pinned = ClassId{device.device_class};
    }
}

void Scheduler::Impl::batch_started(Index index) {
    InFlight& batch = pool_.batch_at(index);
    if (std::exchange(batch.is_started, true)) return;
    batch.begin = now_;
    pool_.refresh(batch.lane, now_);
    mark_class(pool_.lane_at(batch.lane).device_class);
}

void Scheduler::Impl::batch_done(Index index, const RunReport& report) {
    InFlight& batch = pool_.batch_at(index);
    ModelRecord& model = models_[batch.model];
    --model.batches_in_flight;
    model.rows_in_flight -= batch.rows;
    if (report.code == StatusCode::ok) learn(batch, report);
    if (blames_data(report.code) && batch.group.slices.size() > 1) {
        wait_again(batch.model, batch.group);
        run_apart(batch.model, batch.group);
        mark_dirty(batch.model);
    } else {
        leave_order(batch.model, batch.group);
        finish_slices(batch, report);
    }
    const Index lane = batch.lane;
    const Index model_index = batch.model;
    if (pool_.lane_at(lane).health != LaneHealth::sound) judge_probe(lane, batch, report);
    pool_.remove_batch(index, now_);
    // The next batch of the lane runs from now on, if it was ready by now.
    if (const std::vector<Index>& next = pool_.lane_at(lane).batches; !next.empty()) {
        InFlight& follower = pool_.batch_at(next.front());
        follower.begin = std::max(follower.begin, now_);
        follower.others = pool_.busy_beside(lane);
        watch_lane(lane);
    }
    pool_.refresh(lane, now_);
    mark_class(pool_.lane_at(lane).device_class);
    retire_if_unused(model_index);
}

void Scheduler::Impl::learn(const InFlight& batch, const RunReport& report) {
    DeviceRecord& device = pool_.device_at(batch.device);
    // Now it can be told what takes too long.
    if (!batch.curve->has_run(batch.shape)) next_check_ = now_;
    learn_pace(device, batch, report.compute);
    batch.curve->learn_run(batch.rows, report.compute, pool_.run_on(batch));
    batch.curve->learn_gather(batch.rows, report.gather);
    if (!batch.was_behind) batch.curve->learn_transfer(batch.rows, report.transfer);
    // Old peaks fade, so that one slow copy does not cost late binding for ever.
    Duration& longest = device.longest_copy;
    longest = std::max(longest - longest / 32, batch.curve->copy(batch.rows));
    for (const ClassUse& use : models_[batch.model].uses)
        if (use.device_class == device.device_class && use.usual_rate > 0)
            pool_.class_at(use.device_class).useful_time +=
                (batch.rows - batch.excess_rows) / use.usual_rate;
    note_batch_for_estimates(batch.model, *batch.curve);
}

/// A device that becomes faster or slower shows it in all its models at once, long before each of
/// their curves has learnt it.
void Scheduler::Impl::learn_pace(DeviceRecord& device, const InFlight& batch, Duration compute) {
    if (batch.curve->runs() < kRunsBeforePace || compute <= Duration::zero()) return;
    if (!batch.curve->has_run(batch.shape)) return;  // it is the shape that takes longer
    const double expected = to_seconds(batch.curve->run(batch.rows, pool_.run_on(batch)));
    const double ratio =
        std::clamp(to_seconds(compute) / expected, 1 / kMostPaceStep, kMostPaceStep);
    // One run that is far off is a stall; a second one the same way is a change.
    const bool is_far_off = std::abs(ratio - 1) > kFarOff * batch.curve->deviation();
    const int side = !is_far_off ? 0 : ratio > 1 ? 1 : -1;
    const bool is_change = side != 0 && side == device.last_surprise;
    device.last_surprise = side;
    device.pace *= 1 + (is_change ? kChangeGain : kPaceGain) * (ratio - 1);
    device.pace = std::clamp(device.pace, 1 / kMostPace, kMostPace);
}

void Scheduler::Impl::finish_slices(const InFlight& batch, const RunReport& report) {
    const Index model_index = batch.model;
    for (const HeldSlice& held : batch.group.slices) {
        if (!calls_.is_open(held)) continue;
        OpenCall& call = calls_[held.call];
        call.unfinished_rows -= held.slice.rows;
        const bool has_failed = report.code != StatusCode::ok;
        if (!has_failed && call.unfinished_rows > 0) continue;
        ModelRecord& model = models_[model_index];
        const bool is_lost = has_failed || wanted_by(model, call, kNever - call.arrival) < now_;
        fair_.ended(call.work, is_excess(call.tier), is_lost);
        model.note_end(is_lost);
        returns_.answered(now_, call.ticket.client, model_index);
        forget_call(held.call);
    }
}

/// Slices are on their lane no more: later calls of their clients may go, on any lane.
void Scheduler::Impl::leave_order(Index model, const SuspectGroup& group) {
    for (const HeldSlice& held : group.slices) {
        if (held.client.value == 0) continue;
        order_.left(model, held.client);
        mark_dirty(model);
    }
}

}  // namespace bunch
