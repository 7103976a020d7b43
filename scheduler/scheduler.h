/// Decides which waiting rows run together, where and when. A state machine without threads,
/// clock, sockets or locks: events and the time go in, decisions come out as values. So a question
/// about scheduling is answered by a unit test, and an incident by replaying its events.
///
/// Not here: bytes (a Ticket has none), and doing anything. docs/SCHEDULING.md says what the
/// present form does.
///
/// Rules for all events: one caller at a time. `at` should not go back; where it does, the latest
/// time seen counts. Events about things that are not known (any more), and repeated ones, are
/// ignored: a late message of a dead runner harms nobody. Nothing is decided before decide().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/call.h"
#include "core/ids.h"
#include "core/time.h"
#include "scheduler/decision.h"
#include "scheduler/events.h"

namespace bunch {

class Scheduler {
  public:
    /// `seed` starts every random choice: equal seeds and events give equal decisions.
    explicit Scheduler(std::uint64_t seed);
    ~Scheduler();
    Scheduler(Scheduler&&) noexcept;
    Scheduler& operator=(Scheduler&&) noexcept;

    /// Replaces the configuration, also while running. A model that is no longer listed takes no
    /// new calls (not_found); those it has run to their end while it has instances.
    void configure(TimePoint at, SchedulerConfig config);

    /// Takes a call. What is wrong with it comes out of decide() as a Reject: not_found,
    /// invalid_argument, resource_exhausted, deadline_exceeded or unavailable. `ticket.call` must
    /// differ from those of all calls that are open or have rows on a lane.
    void submit(TimePoint at, const Ticket& ticket);

    /// The caller wants no answer any more. Unless the call has ended already, decide() rejects it
    /// with `cancelled`.
    void cancel(TimePoint at, CallId call);

    /// A device (again) takes batches on these lanes. Lanes that it had before are lost.
    void device_up(TimePoint at, const DeviceInfo& device);

    /// The device's process is gone and will be started again: its lanes are lost, see lane_lost(),
    /// and its instances expected back.
    void device_lost(TimePoint at, DeviceId device);

    /// As device_lost(), but nobody will start it again: its instances are forgotten.
    void device_gone(TimePoint at, DeviceId device);

    /// A model is, or will be, on a device; the device may come up before or after. Replaces what
    /// was said before of the same model on the same device. Tell of expected instances before the
    /// first call, or calls are rejected with `unavailable`.
    void instance_up(TimePoint at, const InstanceInfo& instance);

    /// The instance is unloaded or failed to load. Its batches in flight run on.
    void instance_down(TimePoint at, InstanceId instance);

    /// The device may have begun to read the inputs of `batch`: from now on it is suspect if its
    /// lane is lost. Told of the oldest batch of each lane.
    void batch_started(TimePoint at, BatchId batch);

    /// The batch is through and its slot free. On failure the scheduler forgets its calls, queued
    /// rows included, without a Reject.
    void batch_done(TimePoint at, BatchId batch, const RunReport& report);

    /// The lane is gone. Batches that had not started are queued again where they were. Those that
    /// had are suspect: they run again in two halves, each alone, down to single slices; one that
    /// is lost twice alone ends its call with `unavailable`.
    void lane_lost(TimePoint at, LaneId lane);

    /// From now on new calls are rejected with `unavailable`. Queued ones run to their end.
    void drain(TimePoint at);

    /// Appends everything that is due at `at`. Not before all events of the same moment are told.
    void decide(TimePoint at, std::vector<Decision>& out);

    /// When to call decide() again if nothing happens before; nothing: not needed.
    std::optional<TimePoint> next_wakeup() const;

    /// Gives the memory of a dispatched batch back for use in a later one. Optional.
    void recycle(Batch&& batch);

    /// What was learnt of run times, to be written to disk and given to recall() after a restart.
    std::vector<LearntCurve> learnt() const;

    /// Begins with what an earlier life had learnt, wherever nothing has been learnt yet. Nonsense
    /// is ignored. Models and classes need not be known yet.
    void recall(TimePoint at, const std::vector<LearntCurve>& curves);

    QueueStats stats() const;               ///< of all models
    QueueStats stats(ModelId model) const;  ///< zeros for a model that is not known

    /// Calls that have neither ended nor been rejected.
    std::size_t open_calls() const;

    /// How long `rows` of `model` are expected to compute on a device of this class; nothing until
    /// a batch of it has run there.
    std::optional<Duration> predicted_run(ModelId model, std::string_view device_class,
                                          std::uint32_t rows) const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace bunch
