/// Starts, watches and restarts the runner of one device, and has it load its models. A state
/// machine without threads: its owner polls the descriptors, calls advance(), and takes the events.
/// What runs on the lanes is not its business: it hands them out with DeviceUp.
///
/// Life: start() -> runner started -> Hello -> lanes opened -> DeviceUp -> models loaded one by one
/// -> InstanceUp or InstanceFailed each. A runner that is lost gives DeviceLost, and after a pause
/// everything from DeviceUp on comes again, with new lanes. DeviceFailed is the end.
///
/// A model with a file is first loaded by a scratch runner (model_trial.h), once; so a file that
/// crashes the loader takes nobody else down.
#pragma once

#include <poll.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "backends/host/device_lock.h"
#include "backends/host/lane_link.h"
#include "backends/host/launcher.h"
#include "backends/host/restart_policy.h"
#include "backends/wire/device.h"
#include "backends/wire/messages.h"
#include "core/ids.h"
#include "core/model.h"
#include "core/time.h"

namespace bunch {

struct DeviceSettings {
    std::string name;     ///< the configuration's, for messages and the lock file
    std::string backend;  ///< "cpu" starts bunch-runner-cpu
    BackendOptions options;
    std::uint32_t lanes = 0;  ///< 0: the backend decides; else passed on as its option "lanes"
    std::uint32_t slots = 0;  ///< likewise, per lane: option "slots"
    std::uint64_t arena_bytes = std::uint64_t{256} << 20;  ///< of each lane
    std::string state_dir;                                 ///< of the lock file; empty: no lock
    bool trial_loads = true;  ///< off for a driver that admits one process at a time
    Duration start_timeout = std::chrono::seconds(30);
    Duration load_timeout = std::chrono::minutes(5);  ///< of one model
    Duration ping_interval = std::chrono::seconds(2);
    Duration ping_timeout = std::chrono::seconds(10);  ///< does not run while a model loads
    RestartLimits restart;
};

/// The device can take batches; the lanes are the receiver's.
struct DeviceUp {
    DeviceDescription device;
    std::vector<std::unique_ptr<LaneLink>> lanes;
};

/// The model can be run on the device. `loaded.max_batch_rows` also fits a slot.
struct InstanceUp {
    ModelId model;
    LoadedModel loaded;
};

/// The model cannot be run on the device; it is not tried again by itself.
struct InstanceFailed {
    ModelId model;
    Status status;
};

/// The runner is gone, with its lanes and models.
struct DeviceLost {
    std::string reason;
    std::optional<TimePoint> restart_at;  ///< nothing: DeviceFailed follows
};

/// The device is not offered, and will not be again by itself.
struct DeviceFailed {
    Status status;
};

using HostEvent = std::variant<DeviceUp, InstanceUp, InstanceFailed, DeviceLost, DeviceFailed>;

/// All calls on one thread. Nothing blocks but the destructor, which kills and reaps the runner.
class RunnerHost {
  public:
    /// `next_lane` names each lane that comes up. `launcher` must outlive this object.
    RunnerHost(DeviceSettings settings, Launcher& launcher, std::function<LaneId()> next_lane);
    ~RunnerHost();
    RunnerHost(const RunnerHost&) = delete;
    RunnerHost& operator=(const RunnerHost&) = delete;

    const DeviceSettings& settings() const { return settings_; }

    /// Has the device run this model, from now on and after each restart. Before or after start().
    /// The id must not be in use.
    void load(ModelId id, ModelSpec spec);

    /// Has the device forget it. The caller sees to it that no batch of it is on a lane.
    void unload(ModelId id);

    void start(TimePoint now);

    /// Appends what to poll for.
    void add_poll_fds(std::vector<pollfd>& fds) const;

    /// Does all that is due: call when a descriptor is ready, or at next_wakeup(), or at any time.
    void advance(TimePoint now);

    /// When to call advance() if no descriptor gets ready before.
    std::optional<TimePoint> next_wakeup() const;

    /// What happened since the last call, in order.
    std::vector<HostEvent> take_events();

    /// Ends the runner: a batch is past its time limit, or a lane broke the rules. DeviceLost, with
    /// this reason, and a restart follow. No-op when there is no runner.
    void kill_runner(TimePoint now, const std::string& reason);

    /// Ends the runner in order: a message, after half of `grace` SIGTERM, after all of it SIGKILL.
    /// No events follow.
    void stop(TimePoint now, Duration grace);

    /// No runner is alive and none will be started: after stop(), DeviceFailed, or before start().
    bool is_stopped() const;

  private:
    DeviceSettings settings_;
};

}  // namespace bunch
