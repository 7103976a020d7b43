#include "daemon/recorded_scheduler.h"

#include <chrono>
#include <span>
#include <string>
#include <utility>

#include "monitoring/log.h"

namespace bunch {
namespace {

std::int64_t since_1970(TimePoint at) {
    const auto wall = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<Duration>(wall).count() -
           (now() - at + at.time_since_epoch()).count();
}

}  // namespace

RecordedScheduler::RecordedScheduler(std::uint64_t seed, std::size_t trace_slots,
                                     OpenCalls open_calls)
    : scheduler_(seed), seed_(seed), ring_(trace_slots), open_calls_(std::move(open_calls)) {}

void RecordedScheduler::configure(TimePoint at, SchedulerConfig config) {
    if (ring_.is_on()) {
        record_long(at, trace::Configure{config});
        config_ = config;
    }
    scheduler_.configure(at, std::move(config));
}

void RecordedScheduler::submit(TimePoint at, const Ticket& ticket) {
    if (ring_.is_on()) record(at, trace::encode(at, ticket));
    scheduler_.submit(at, ticket);
}

void RecordedScheduler::cancel(TimePoint at, CallId call) {
    if (ring_.is_on()) record(at, trace::encode(at, trace::Cancel{call}));
    scheduler_.cancel(at, call);
}

void RecordedScheduler::device_up(TimePoint at, const DeviceInfo& device) {
    if (ring_.is_on()) {
        record_long(at, trace::DeviceUp{device});
        devices_[device.device] = device;
    }
    scheduler_.device_up(at, device);
}

void RecordedScheduler::device_lost(TimePoint at, DeviceId device) {
    if (ring_.is_on()) {
        record(at, trace::encode(at, trace::DeviceLost{device}));
        devices_.erase(device);
        for (auto& [id, instance] : instances_)
            if (instance.device == device) instance.state = InstanceState::expected;
    }
    scheduler_.device_lost(at, device);
}

void RecordedScheduler::device_gone(TimePoint at, DeviceId device) {
    if (ring_.is_on()) {
        record(at, trace::encode(at, trace::DeviceGone{device}));
        devices_.erase(device);
        std::erase_if(instances_, [&](const auto& one) { return one.second.device == device; });
    }
    scheduler_.device_gone(at, device);
}

void RecordedScheduler::instance_up(TimePoint at, const InstanceInfo& instance) {
    if (ring_.is_on()) {
        record(at, trace::encode(at, trace::InstanceUp{instance}));
        instances_[instance.instance] = instance;
    }
    scheduler_.instance_up(at, instance);
}

void RecordedScheduler::instance_down(TimePoint at, InstanceId instance) {
    if (ring_.is_on()) {
        record(at, trace::encode(at, trace::InstanceDown{instance}));
        instances_.erase(instance);
    }
    scheduler_.instance_down(at, instance);
}

void RecordedScheduler::batch_started(TimePoint at, BatchId batch) {
    if (ring_.is_on()) record(at, trace::encode(at, trace::BatchStarted{batch}));
    scheduler_.batch_started(at, batch);
}

void RecordedScheduler::batch_done(TimePoint at, BatchId batch, const RunReport& report) {
    if (ring_.is_on()) record(at, trace::encode(at, batch, report));
    scheduler_.batch_done(at, batch, report);
}

void RecordedScheduler::lane_lost(TimePoint at, LaneId lane) {
    if (ring_.is_on()) {
        record(at, trace::encode(at, trace::LaneLost{lane}));
        for (auto& [id, device] : devices_) std::erase(device.lanes, lane);
    }
    scheduler_.lane_lost(at, lane);
}

void RecordedScheduler::drain(TimePoint at) {
    if (ring_.is_on()) record(at, trace::encode(at, trace::Drain{}));
    scheduler_.drain(at);
}

void RecordedScheduler::recall(TimePoint at, const std::vector<LearntCurve>& curves) {
    if (ring_.is_on()) record_long(at, trace::Recall{curves});
    scheduler_.recall(at, curves);
}

void RecordedScheduler::decide(TimePoint at, std::vector<Decision>& out) {
    const std::size_t before = out.size();
    scheduler_.decide(at, out);
    if (!ring_.is_on()) return;
    const std::span<const Decision> decided = std::span(out).subspan(before);
    record(at, trace::encode(at, trace::Decide{static_cast<std::uint32_t>(decided.size()),
                                               trace::fingerprint_of(decided)}));
}

void RecordedScheduler::record_long(TimePoint at, trace::What what) {
    event_.clear();
    trace::append({at, std::move(what)}, event_);
    if (event_.size() > ring_.snapshot_limit()) return stop_recording(event_.size());
    if (ring_.is_full(event_.size())) turn(at);
    if (ring_.is_on()) ring_.add(std::span<const trace::Slot>(event_));
}

void RecordedScheduler::stop_recording(std::size_t needed) {
    log::warn("trace_off", {{"reason", "models, devices and what was learnt take " +
                                           std::to_string(needed) + " slots of a trace"},
                            {"remedy", "raise trace.events to " + std::to_string(8 * needed)}});
    ring_ = TraceRing(0);
}

void RecordedScheduler::turn(TimePoint at) {
    slots_.clear();
    trace::append({at, trace::Snapshot{}}, slots_);
    trace::append({at, trace::Configure{config_}}, slots_);
    trace::append({at, trace::Recall{scheduler_.learnt()}}, slots_);
    for (const auto& [id, device] : devices_) trace::append({at, trace::DeviceUp{device}}, slots_);
    for (const auto& [id, info] : instances_) trace::append({at, trace::InstanceUp{info}}, slots_);
    if (slots_.size() >= ring_.snapshot_limit()) return stop_recording(slots_.size());
    std::uint64_t left_out = 0;
    open_calls_([&](TimePoint arrived, const Ticket& ticket) {
        if (slots_.size() + 1 < ring_.snapshot_limit()) {
            slots_.push_back(trace::encode(arrived, ticket));
        } else {
            ++left_out;
        }
    });
    slots_.front() = trace::encode(at, trace::Snapshot{left_out});
    slots_.push_back(trace::encode(at, trace::Live{}));
    ring_.turn(slots_);
}

FrozenTrace RecordedScheduler::freeze(TimePoint at) {
    FrozenTrace frozen = ring_.freeze({seed_, 0, since_1970(at)});
    turn(at);
    if (ring_.is_on())
        frozen.halves.push_back(std::make_shared<const TraceHalf>(TraceHalf{0, slots_}));
    return frozen;
}

}  // namespace bunch
