// What devices cause: coming and going, batches that are through, and batches that come back.
#include <algorithm>
#include <utility>

#include "scheduler/scheduler_impl.h"

namespace bunch {

void Scheduler::Impl::device_up(const DeviceInfo& info) {
    const Index device = pool_.device(info.device);
    lose_lanes(device);
    pool_.bring_up(device, info);
    review_device(device);
}

void Scheduler::Impl::device_lost(Index device) {
    lose_lanes(device);
    DeviceRecord& record = pool_.device_at(device);
    record.is_up = false;
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
    const std::vector<Index> batches = pool_.lane_at(lane).batches;
    for (const Index batch : batches) return_batch(batch);
    pool_.remove_lane(lane);
    review_device(device);
}

void Scheduler::Impl::return_batch(Index index) {
    InFlight& batch = pool_.batch_at(index);
    ModelRecord& model = models_[batch.model];
    --model.batches_in_flight;
    model.rows_in_flight -= batch.rows;
    SuspectGroup group = std::move(batch.group);
    for (const HeldSlice& held : group.slices)
        if (calls_.is_open(held)) watch_deadline(calls_[held.call].ticket);
    if (batch.is_started) {
        Verdict verdict = judge(group, calls_);
        for (SuspectGroup& again : verdict.again)
            model.queue.add_suspects(calls_, std::move(again), false);
        if (verdict.culprit)
            end_call(verdict.culprit->call,
                     unavailable("model '" + model.policy.name +
                                 "': the device was lost twice while it ran this request alone"),
                     RejectReason::culprit);
    } else if (batch.is_alone) {
        std::erase_if(group.slices, [&](const HeldSlice& held) { return !calls_.is_open(held); });
        if (!group.slices.empty()) model.queue.add_suspects(calls_, std::move(group), true);
    } else {
        for (const HeldSlice& held : group.slices)
            if (calls_.is_open(held)) model.queue.put_back(calls_, held);
    }
    mark_dirty(batch.model);
    pool_.remove_batch(index);
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
    review(model);
}

void Scheduler::Impl::instance_down(Index instance) {
    const Index model = pool_.instance_at(instance).model;
    forget_instance(instance);
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
    const std::vector<Index>& lanes = pool_.device_at(device).lanes;
    dirty_lanes_.insert(dirty_lanes_.end(), lanes.begin(), lanes.end());
}

/// Works out again which instances of a model can be used, after a change of anything.
void Scheduler::Impl::review(Index index) {
    ModelRecord& model = models_[index];
    pin_class(model);
    const bool was_live = std::exchange(model.is_live, false);
    model.is_expected = false;
    model.smallest_limit = model.policy.max_batch_rows;
    std::map<ClassId, std::uint32_t> lanes;
    for (const Index i : model.instances) {
        InstanceRecord& instance = pool_.instance_at(i);
        const DeviceRecord& device = pool_.device_at(instance.device);
        const bool is_allowed =
            !model.pinned || !device.device_class || device.device_class == model.pinned;
        const bool is_ready = instance.info.state == InstanceState::ready;
        model.is_expected = model.is_expected || is_allowed;
        instance.is_usable = is_allowed && is_ready && device.is_up && !device.lanes.empty();
        if (!instance.is_usable) continue;
        model.is_live = true;
        instance.limit = std::clamp(instance.info.max_batch_rows, 1u, model.policy.max_batch_rows);
        instance.curve = &costs_.curve(model.policy.model, *device.device_class);
        model.smallest_limit = std::min(model.smallest_limit, instance.limit);
        lanes[*device.device_class] += static_cast<std::uint32_t>(device.lanes.size());
        dirty_lanes_.insert(dirty_lanes_.end(), device.lanes.begin(), device.lanes.end());
    }
    for (const Index i : model.instances) {
        InstanceRecord& instance = pool_.instance_at(i);
        if (instance.is_usable)
            instance.class_lanes = lanes[*pool_.device_at(instance.device).device_class];
    }
    if (was_live && !model.is_live) model.dead_since = now_;
    std::erase(dead_models_, index);
    if (!model.is_live) dead_models_.push_back(index);
    pool_.note_opening();
    mark_dirty(index);
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
            model.pinned = device.device_class;
    }
}

void Scheduler::Impl::batch_started(Index index) {
    InFlight& batch = pool_.batch_at(index);
    if (std::exchange(batch.is_started, true)) return;
    batch.begin = now_;
    pool_.refresh(batch.lane, now_);
    dirty_lanes_.push_back(batch.lane);
}

void Scheduler::Impl::batch_done(Index index, const RunReport& report) {
    InFlight& batch = pool_.batch_at(index);
    ModelRecord& model = models_[batch.model];
    --model.batches_in_flight;
    model.rows_in_flight -= batch.rows;
    if (report.code == StatusCode::ok) {
        batch.curve->learn_run(batch.rows, report.compute);
        batch.curve->learn_gather(batch.rows, report.gather);
        if (!batch.was_behind) batch.curve->learn_transfer(batch.rows, report.transfer);
        // Old peaks fade, so that one slow copy does not cost late binding for ever.
        Duration& longest = pool_.device_at(batch.device).longest_copy;
        longest = std::max(longest - longest / 32, batch.curve->copy(batch.rows));
    }
    for (const HeldSlice& held : batch.group.slices) {
        if (!calls_.is_open(held)) continue;
        OpenCall& call = calls_[held.call];
        call.unfinished_rows -= held.slice.rows;
        if (report.code != StatusCode::ok || call.unfinished_rows == 0) forget_call(held.call);
    }
    const Index lane = batch.lane;
    const Index model_index = batch.model;
    const bool was_alone = batch.is_alone;
    pool_.remove_batch(index);
    // The next batch of the lane runs from now on, if it was ready by now.
    if (const std::vector<Index>& next = pool_.lane_at(lane).batches; !next.empty()) {
        InFlight& follower = pool_.batch_at(next.front());
        follower.begin = std::max(follower.begin, now_);
    }
    pool_.refresh(lane, now_);
    if (was_alone) {  // so that the next suspect may run on any of them
        const std::vector<Index>& all = pool_.device_at(pool_.lane_at(lane).device).lanes;
        dirty_lanes_.insert(dirty_lanes_.end(), all.begin(), all.end());
    } else {
        dirty_lanes_.push_back(lane);
    }
    retire_if_unused(model_index);
}

}  // namespace bunch
