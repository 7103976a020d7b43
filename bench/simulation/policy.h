/// What the simulator drives: the project's own Scheduler, or a rival. The functions are those of
/// Scheduler (scheduler/scheduler.h says what they mean); a rival may ignore what it has no idea
/// of.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/call.h"
#include "core/ids.h"
#include "core/time.h"
#include "scheduler/decision.h"
#include "scheduler/events.h"
#include "scheduler/scheduler.h"

namespace bunch::simulation {

/// The true cost of a batch, which rivals may be told: policies that take profiles as input
/// (Clockwork, Symphony) are given the exact ones, so that they lose nothing by learning.
struct Profile {
    ModelId model;
    std::string device_class;
    double fixed = 0;              ///< seconds
    double per_row = 0;            ///< seconds
    double per_row_contended = 0;  ///< seconds per row and other busy lane of the device
    std::uint32_t max_batch_rows = 1;
};

class Policy {
  public:
    virtual ~Policy() = default;

    virtual void configure(TimePoint at, const SchedulerConfig& config) = 0;
    virtual void device_up(TimePoint at, const DeviceInfo& device) = 0;
    virtual void device_lost(TimePoint at, DeviceId device) = 0;
    virtual void instance_up(TimePoint at, const InstanceInfo& instance) = 0;
    virtual void submit(TimePoint at, const Ticket& ticket) = 0;
    virtual void batch_started(TimePoint at, BatchId batch) = 0;
    virtual void batch_done(TimePoint at, BatchId batch, const RunReport& report) = 0;
    virtual void decide(TimePoint at, std::vector<Decision>& out) = 0;
    virtual std::optional<TimePoint> next_wakeup() const = 0;
    virtual void recycle(Batch&& batch) = 0;

    /// Told once, before anything else.
    virtual void know(const std::vector<Profile>&) {}
};

/// A policy by its name and setting, e.g. {"triton", {{"delay_ms", 2}}}.
struct PolicyChoice {
    std::string name;
    std::vector<std::pair<std::string, double>> settings;
};

}  // namespace bunch::simulation
