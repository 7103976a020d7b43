/// Starts, watches and restarts the runner of one device, and has it load its models. A state
/// machine without threads: its owner polls the descriptors, calls advance(), and takes the events.
/// What runs on the lanes is not its business: it hands them out with DeviceUp.
///
/// Life: start() -> runner started -> Hello -> lanes opened -> DeviceUp -> models loaded one by one
/// -> InstanceUp or InstanceFailed each. A runner that is lost gives DeviceLost, and after a pause
/// everything from DeviceUp on comes again, with new lanes. DeviceFailed is the end.
///
/// A runner that reports that its device is of no use (DeviceFault) is ended, too. Then a new one
/// is started again and again, without an end, as somebody may have to repair the device first.
/// While that goes on, DeviceUp waits until a model could be loaded, and a loss for the same reason
/// as the last one is not told again. Likewise a model for which the device has no memory is loaded
/// again and again.
///
/// A model with a file is first loaded by a scratch runner (model_trial.h), once; so a file that
/// crashes the loader takes nobody else down.
#pragma once

#include <poll.h>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "backends/host/device_lock.h"
#include "backends/host/host_events.h"
#include "backends/host/lane_link.h"
#include "backends/host/launcher.h"
#include "backends/host/model_book.h"
#include "backends/host/model_trial.h"
#include "backends/host/restart_policy.h"
#include "backends/host/runner_connection.h"
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

    /// Has the device hold the image of this model, which is up; nothing may be on its lanes until
    /// ImageChanged, or DeviceLost. No-op while the device is not up.
    void activate(TimePoint now, ModelId id);

    /// Has the device forget it. The caller sees to it that no batch of it is on a lane.
    void unload(TimePoint now, ModelId id);

    void start(TimePoint now);

    /// Appends what to poll for.
    void add_poll_fds(std::vector<pollfd>& fds) const;

    /// Does all that is due: call when a descriptor is ready, or at next_wakeup(), or at any time.
    void advance(TimePoint now);

    /// When to call advance() if no descriptor gets ready before; long past while events wait.
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
    enum class State : std::uint8_t {
        idle,      // not started, or stopped
        greeting,  // a runner was started, Hello is awaited
        opening,   // its lanes are being opened
        serving,
        dying,    // killed or gone; how it ended is awaited
        pausing,  // until the next start
        stopping,
        failed,
    };
    bool is_talking() const;
    void launch(TimePoint now);
    void converse(TimePoint now);
    void check_deadlines(TimePoint now);
    void advance_trial(TimePoint now);
    void load_next(TimePoint now);
    void plan_retry(TimePoint now);
    void ping(TimePoint now);

    void handle(TimePoint now, const wire::Hello& message);
    void handle(TimePoint now, const wire::Refused& message);
    void handle(TimePoint now, const wire::LaneOpened& message);
    void handle(TimePoint now, const wire::Loaded& message);
    void handle(TimePoint now, const wire::Activated& message);
    void handle(TimePoint now, const wire::Fault& message);
    void handle(TimePoint now, const wire::Pong& message);
    template <typename Message>
    void handle(TimePoint now, const Message& message);
    Status open_lane(TimePoint now, std::uint32_t index);

    void send(TimePoint now, const wire::ControlMessage& message, std::span<const int> fds = {});
    void broke_protocol(TimePoint now, const std::string& what);
    void lose(TimePoint now, const std::string& reason);
    void bury(TimePoint now, const RunnerExit& exit);
    void report_loss(TimePoint now, const std::string& reason);
    std::optional<TimePoint> next_start(TimePoint now);
    void tell_up();
    bool is_busy() const { return models_.loading() || activating_; }
    void pause_or_fail(TimePoint now);
    void fail_device(const Status& status);

    DeviceSettings settings_;
    BackendOptions options_;  // the settings', with lanes and slots
    Launcher& launcher_;
    std::function<LaneId()> next_lane_;
    RestartPolicy policy_;
    std::optional<DeviceLock> lock_;
    State state_ = State::idle;
    TimePoint deadline_ = kNever;  // of the state; of the load while one runs
    std::optional<RunnerConnection> runner_;
    std::string refusal_;      // what Refused said
    std::string loss_reason_;  // ours; empty: the runner ended by itself
    bool loss_reported_ = false;
    std::string last_loss_;
    bool device_broke_ = false;  // as the runner said, so its end is no fault of its own
    bool recovering_ = false;    // since then, no model could be loaded
    bool told_up_ = false;       // this runner's DeviceUp was told
    bool ever_up_ = false;
    std::optional<DeviceUp> held_up_;  // of a recovering device
    Duration recovery_pause_{};
    TimePoint kill_at_ = kNever;  // while stopping; SIGTERM comes at deadline_
    std::optional<TimePoint> restart_at_;

    DeviceDescription device_;
    std::vector<std::unique_ptr<LaneLink>> lanes_;
    std::uint32_t lanes_opened_ = 0;
    std::uint64_t slot_bytes_ = 0;

    std::optional<ModelId> activating_;
    TimePoint activated_by_ = kNever;

    TimePoint next_ping_ = kNever;
    TimePoint pong_due_ = kNever;
    std::uint64_t pings_ = 0;

    ModelBook models_;
    TimePoint retry_at_ = kNever;  // of models that found no memory
    Duration retry_pause_{};
    std::set<std::string> load_faults_;  // told since a model was loaded
    std::optional<ModelTrial> trial_;
    std::vector<HostEvent> events_;
};

}  // namespace bunch
