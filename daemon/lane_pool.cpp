#include "daemon/lane_pool.h"

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "daemon/reasons.h"
#include "scheduler/failures.h"

namespace bunch {
namespace {

/// Rows of an input of a model that is not batched: its first extent, whatever that means there.
std::uint32_t whole(const ConstTensorView& input) {
    return input.shape.rank() == 0 ? 1 : static_cast<std::uint32_t>(input.shape[0]);
}

BatchTimes clock_times(const DeviceTimes& times) {
    return {times.transfer_begin, times.compute_begin, times.compute_end, times.transfer_end};
}

}  // namespace

LanePool::LanePool(RecordedScheduler& scheduler, CallSlab& slab, CallDesk& desk, ModelTable& models,
                   DeviceTable& devices, Metrics& metrics, GatherPool& gather,
                   std::uint64_t inline_bytes)
    : scheduler_(scheduler),
      slab_(slab),
      desk_(desk),
      models_(models),
      devices_(devices),
      metrics_(metrics),
      gather_(gather),
      inline_bytes_(inline_bytes),
      waiting_(models.all().size()),
      instances_(models.all().size(), std::vector<Instance>(devices.size())) {}

LanePool::LaneEntry* LanePool::find(LaneId id) {
    const auto found = std::find_if(lanes_.begin(), lanes_.end(),
                                    [&](const auto& lane) { return lane->id == id; });
    return found == lanes_.end() ? nullptr : found->get();
}

void LanePool::add(TimePoint now, DeviceId device, std::uint32_t index,
                   std::unique_ptr<LaneLink> link) {
    auto lane = std::make_unique<LaneEntry>();
    lane->id = link->id();
    lane->device = device;
    lane->index = index;
    lane->running.resize(link->slots());
    lane->link = std::move(link);
    lane->clock = &devices_[device.value].metrics->lane_clock(index, now);
    lane->clock->up(now);
    lane->clock->work_waits(now, has_waiting_work(device));
    lanes_.push_back(std::move(lane));
    ++generation_;
}

void LanePool::remove(TimePoint now, DeviceId device) {
    for (auto& lane : lanes_) {
        if (lane->device == device && lane->link != nullptr) lose(now, *lane, "");
    }
    std::erase_if(lanes_, [&](const auto& lane) { return lane->device == device; });
    std::erase_if(lost_, [&](const LostLane& lost) { return lost.device == device; });
    ++generation_;
}

void LanePool::start(TimePoint now, Dispatch&& dispatch) {
    Batch& batch = dispatch.batch;
    LaneEntry* lane = find(batch.lane);
    if (lane == nullptr || lane->link == nullptr) {
        // The scheduler was told of the loss, so this cannot be; a bug must not lose the calls.
        scheduler_.lane_lost(now, batch.lane);
        return;
    }
    const ServedModel& model = *models_.find(batch.model);
    find_shapes(model, batch);
    lane->clock->bound(now, batch.id);
    auto inputs =
        lane->link->begin(batch.id, batch.model, model.spec.signature, batch.rows, shapes_);
    if (!inputs.ok()) {
        lane->clock->dropped(now, batch.id);
        fail_batch(now, std::move(batch), inputs.status());
        return;
    }
    count_in_flight(lane->device, 1);
    Running& running = lane->running[inputs->slot.value];
    running.dispatched = now;
    running.closed_by = dispatch.closed_by;
    running.predicted_run = dispatch.predicted_run;
    gather_inputs(now, *lane, std::move(batch), *inputs);
}

/// The batch's input shapes, as far as the signature does not say them.
void LanePool::find_shapes(const ServedModel& model, const Batch& batch) {
    shapes_.clear();
    const bool batched = model.spec.signature.batched;
    if (batched && !model.has_shape_classes) return;
    for (const Slice& slice : batch.slices) {
        const OpenCall* open = slab_.find(slice.call);
        if (open == nullptr) continue;  // another batch with rows of it failed a moment ago
        // That it fits was found when the call came.
        BUNCH_CHECK(model.padding.fit(open->call.inputs, shapes_).ok());
        if (!batched) return;
        for (Shape& shape : shapes_) shape = shape.with_rows(batch.rows);
        return;
    }
}

void LanePool::gather_inputs(TimePoint now, LaneEntry& lane, Batch&& batch,
                             const BatchInputs& inputs) {
    std::uint64_t bytes = 0;
    parts_.resize(inputs.inputs.size());
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        parts_[i].from.clear();
        parts_[i].to = inputs.inputs[i];
        bytes += inputs.inputs[i].bytes.size();
    }
    const ServedModel& model = *models_.find(batch.model);
    const bool batched = model.spec.signature.batched;
    for (std::size_t i = 0; i < parts_.size(); ++i) parts_[i].padding = model.padding.value_of(i);
    for (const Slice& slice : batch.slices) {
        OpenCall* open = slab_.find(slice.call);
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            if (open == nullptr) {  // another batch with rows of it failed a moment ago
                parts_[i].from.push_back({{}, 0, slice.rows});
                continue;
            }
            const ConstTensorView input = std::as_const(open->call.inputs[i]).view();
            parts_[i].from.push_back({input, slice.first_row, batched ? slice.rows : whole(input)});
        }
    }
    Running& running = lane.running[inputs.slot.value];
    if (gather_.has_threads() && bytes > inline_bytes_) {
        running.is_gathering = true;
        std::vector<CallId> pinned;
        for (const Slice& slice : batch.slices) {
            if (slab_.find(slice.call) == nullptr) continue;
            slab_.pin(slice.call);
            pinned.push_back(slice.call);
        }
        gather_.post(
            {std::move(batch), inputs.slot, std::move(pinned), parts_, lane.link->arena()});
        return;
    }
    for (const GatherPart& part : parts_) gather(part.from, part.to, part.padding);
    running.batch = std::move(batch);
    run(bytes > 4096 ? bunch::now() : now, lane, inputs.slot);
}

void LanePool::finish_gathers(TimePoint now) {
    gather_.finished().take_all(gathered_);
    for (GatherJob& job : gathered_) {
        for (const CallId call : job.pinned) slab_.unpin(call);
        LaneEntry* lane = find(job.batch.lane);
        if (lane == nullptr || lane->link == nullptr) continue;  // lost: queued again meanwhile
        Running& running = lane->running[job.slot.value];
        running.is_gathering = false;
        running.batch = std::move(job.batch);
        run(now, *lane, job.slot);
    }
    gathered_.clear();  // a job of a lost lane holds its arena
}

void LanePool::run(TimePoint now, LaneEntry& lane, SlotId slot) {
    lane.running[slot.value].gathered = now;
    if (const Status status = lane.link->run(slot, now); !status.ok()) {
        lose(now, lane, status.message());
        return;
    }
    if (lane.link->batches().size() == 1) front_changed(now, lane);
}

void LanePool::front_changed(TimePoint now, LaneEntry& lane) {
    if (lane.link->batches().empty() || lane.front == lane.link->batches().front()) return;
    lane.front = lane.link->batches().front();
    lane.front_since = now;
    scheduler_.batch_started(now, *lane.front);
}

void LanePool::add_fds(std::vector<int>& fds) const {
    for (const auto& lane : lanes_) fds.push_back(lane->link == nullptr ? -1 : lane->link->fd());
}

void LanePool::receive(TimePoint now, std::size_t index) {
    LaneEntry& lane = *lanes_[index];
    while (lane.link != nullptr) {
        // Deliveries take time, and a batch that ended meanwhile must not be cut to its beginning.
        now = std::max(now, bunch::now());
        const auto report = lane.link->receive(now);
        if (!report.ok()) {
            lose(now, lane, report.status().message());
            return;
        }
        if (!report->has_value()) return;
        finish(now, lane, **report);
    }
}

void LanePool::finish(TimePoint now, LaneEntry& lane, const BatchReport& report) {
    Running& running = lane.running[report.slot.value];
    ServedDevice& device = devices_[lane.device.value];
    Batch batch = std::move(running.batch);
    const DeviceTimes& times = report.times;
    lane.clock->done(now, batch.id, clock_times(times));
    count_in_flight(lane.device, -1);
    if (!report.status.ok()) {
        lane.link->release(report.slot);
        fail_batch(now, std::move(batch), report.status);
    } else {
        count_batch(batch, device,
                    {batch.rows, times.compute_end - times.compute_begin, running.predicted_run,
                     closing_of(running.closed_by)});
        const BatchOutcome outcome{report.outputs,
                                   batch.rows,
                                   device.device_class,
                                   instances_[batch.model.value][device.id.value].precision,
                                   running.dispatched,
                                   running.gathered,
                                   times,
                                   now};
        std::uint32_t row = 0;
        for (const Slice& slice : batch.slices) {
            desk_.deliver(slice, row, outcome);
            row += slice.rows;
        }
        lane.link->release(report.slot);
        const Duration compute = times.compute_end - times.compute_begin;
        const Duration transfer = (times.transfer_end - times.transfer_begin) - compute;
        scheduler_.batch_done(
            now, batch.id,
            {StatusCode::ok, running.gathered - running.dispatched, transfer, compute});
        scheduler_.recycle(std::move(batch));
    }
    front_changed(now, lane);
}

void LanePool::count_batch(const Batch& batch, const ServedDevice& device, const BatchRun& run) {
    ServedModel& model = *models_.find(batch.model);
    ++model.batches;
    model.batch_rows += batch.rows;
    const Instance& metrics = instances_[batch.model.value][device.id.value];
    if (metrics.on_device == nullptr) return;
    metrics.on_device->record(run);
    metrics.on_class->record(run);
}

void LanePool::fail_batch(TimePoint now, Batch&& batch, const Status& status) {
    // Where one call's data may be to blame for all, they run again apart from each other.
    if (batch.slices.size() == 1 || !blames_data(status.code()))
        for (const Slice& slice : batch.slices) desk_.fail(slice.call, status);
    scheduler_.batch_done(now, batch.id, {status.code(), {}, {}, {}});
    scheduler_.recycle(std::move(batch));
}

void LanePool::lose(TimePoint now, LaneEntry& lane, const std::string& reason) {
    cut(now, lane);
    lost_.push_back({lane.device, reason});
    // Its runner is ended, and serves the device's other lanes, too. Were they lost one by one, a
    // call that is queued again could meet the same end on the next of them, and look guilty.
    for (auto& other : lanes_)
        if (other->device == lane.device && other->link != nullptr) cut(now, *other);
}

void LanePool::cut(TimePoint now, LaneEntry& lane) {
    lane.clock->fault(now);
    count_in_flight(lane.device, -static_cast<int>(lane.link->slots() - lane.link->free_slots()));
    lane.link.reset();
    scheduler_.lane_lost(now, lane.id);
    ++generation_;
}

void LanePool::count_in_flight(DeviceId id, int change) {
    ServedDevice& device = devices_[id.value];
    device.in_flight += change;
    device.metrics->in_flight.set(static_cast<std::uint64_t>(device.in_flight));
}

bool LanePool::has_waiting_work(DeviceId device) const {
    for (std::size_t model = 0; model < waiting_.size(); ++model)
        if (waiting_[model] && instances_[model][device.value].on_device != nullptr) return true;
    return false;
}

void LanePool::work_waits(TimePoint now, ModelId model, bool waits) {
    if (waiting_[model.value] == waits) return;
    waiting_[model.value] = waits;
    for (auto& lane : lanes_) {
        if (lane->link != nullptr &&
            instances_[model.value][lane->device.value].on_device != nullptr)
            lane->clock->work_waits(now, has_waiting_work(lane->device));
    }
}

void LanePool::add_instance(ModelId model, DeviceId device, std::string precision) {
    const ModelSpec& spec = models_.find(model)->spec;
    const ServedDevice& on = devices_[device.value];
    instances_[model.value][device.value] = {
        &metrics_.batches(spec.name, spec.version, on.name),
        &metrics_.runs(spec.name, spec.version, on.device_class), std::move(precision)};
}

void LanePool::tick(TimePoint now) {
    for (ServedDevice& device : devices_) device.metrics->publish(now);
    for (auto& lane : lanes_) {
        const ServedDevice& device = devices_[lane->device.value];
        if (lane->link == nullptr || lane->link->batches().empty()) continue;
        if (now - lane->front_since <= device.batch_timeout) continue;
        lose(now, *lane,
             "a batch ran for more than " + std::to_string(to_seconds(device.batch_timeout)) +
                 " s (batch_timeout)");
    }
}

std::vector<LostLane> LanePool::take_lost() {
    return std::exchange(lost_, {});
}

}  // namespace bunch
