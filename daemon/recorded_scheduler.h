/// The daemon's Scheduler, with a record of all that it is told and decides: the same functions, so
/// that nothing can be told it behind the record's back. Used by the reactor thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/trace_ring.h"
#include "scheduler/scheduler.h"
#include "scheduler/trace.h"

namespace bunch {

class RecordedScheduler {
  public:
    /// Tells of each open call: when it arrived, and its ticket.
    using Visit = std::function<void(TimePoint, const Ticket&)>;
    using OpenCalls = std::function<void(const Visit&)>;

    /// Keeps the last `trace_slots` slots (trace_ring.h); 0: none. With too few of them for the
    /// state itself, recording ends with a warning.
    RecordedScheduler(std::uint64_t seed, std::size_t trace_slots, OpenCalls open_calls);

    // As scheduler/scheduler.h says.
    void configure(TimePoint at, SchedulerConfig config);
    void submit(TimePoint at, const Ticket& ticket);
    void cancel(TimePoint at, CallId call);
    void device_up(TimePoint at, const DeviceInfo& device);
    void device_lost(TimePoint at, DeviceId device);
    void device_gone(TimePoint at, DeviceId device);
    void instance_up(TimePoint at, const InstanceInfo& instance);
    void instance_down(TimePoint at, InstanceId instance);
    void batch_started(TimePoint at, BatchId batch);
    void batch_done(TimePoint at, BatchId batch, const RunReport& report);
    void lane_lost(TimePoint at, LaneId lane);
    void drain(TimePoint at);
    void recall(TimePoint at, const std::vector<LearntCurve>& curves);
    void decide(TimePoint at, std::vector<Decision>& out);
    void recycle(Batch&& batch) { scheduler_.recycle(std::move(batch)); }
    std::optional<TimePoint> next_wakeup() const { return scheduler_.next_wakeup(); }

    /// For questions.
    const Scheduler& state() const { return scheduler_; }

    bool is_recording() const { return ring_.is_on(); }

    /// What is recorded, as it is now, and at its end the state; only while recording. It does not
    /// change any more.
    FrozenTrace freeze(TimePoint at);

  private:
    void record(TimePoint at, const trace::Slot& slot) {
        if (ring_.is_full()) turn(at);
        if (ring_.is_on()) ring_.add(slot);
    }
    void record_long(TimePoint at, trace::What what);
    void turn(TimePoint at);
    void stop_recording(std::size_t needed);

    Scheduler scheduler_;
    std::uint64_t seed_;
    TraceRing ring_;
    OpenCalls open_calls_;
    // The state for snapshots, as far as the scheduler is told of it rarely.
    SchedulerConfig config_;
    std::map<DeviceId, DeviceInfo> devices_;
    std::map<InstanceId, InstanceInfo> instances_;
    // Reused for their memory.
    std::vector<trace::Slot> slots_;
    std::vector<trace::Slot> event_;
};

}  // namespace bunch
