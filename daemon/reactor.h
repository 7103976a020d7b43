/// The one thread that turns: it polls the ZeroMQ sockets, the lanes, the gather threads, the main
/// thread's commands and a timer, tells the scheduler what happened, and does what it decides. A
/// small request never leaves this thread between socket and lane.
#pragma once

#include <poll.h>

#include <memory>
#include <optional>
#include <vector>
#include <zmq.hpp>

#include "config/config.h"
#include "daemon/call_desk.h"
#include "daemon/call_slab.h"
#include "daemon/commands.h"
#include "daemon/control_endpoint.h"
#include "daemon/device_table.h"
#include "daemon/gather_pool.h"
#include "daemon/health_board.h"
#include "daemon/lane_pool.h"
#include "daemon/mailbox.h"
#include "daemon/model_table.h"
#include "daemon/recorded_scheduler.h"
#include "daemon/status_report.h"
#include "daemon/tenant_table.h"
#include "daemon/zmq_frontend.h"

namespace bunch {

class Reactor final : private Intake {
  public:
    /// Binds the sockets. `metrics` and `health` must outlive the reactor. `curves` is what an
    /// earlier life had learnt.
    static Result<std::unique_ptr<Reactor>> open(const Config& config, Metrics& metrics,
                                                 HealthBoard& health,
                                                 std::vector<LearntCurve> curves);
    ~Reactor() override;

    /// Turns until a Stop command; once, on the reactor's own thread.
    void run();

    /// From main.
    Mailbox<Command>& commands() { return commands_; }

    /// To main.
    Mailbox<Notice>& notices() { return notices_; }

  private:
    Reactor(const Config& config, Metrics& metrics, HealthBoard& health, zmq::socket_t data,
            zmq::socket_t control, std::unique_ptr<zmq::context_t> context,
            std::vector<LearntCurve> curves);

    void admit(TimePoint now) override;
    void cancel(TimePoint now, const Origin& origin, ClientId client,
                std::string_view request_id) override;

    void wait();
    void rebuild_poll_fds();
    void turn(TimePoint now);
    void decide(TimePoint now);
    void reject(const Reject& rejection);
    void load(TimePoint now, const Load& load);
    void lose_model(TimePoint now, ServedModel& model, const ServedDevice& device,
                    const Status& status);
    void report_lost_lanes();
    void publish_queues(TimePoint now);
    void tick(TimePoint now);
    void report_learnt();

    void take_commands(TimePoint now);
    void on(TimePoint now, DeviceOpened& command);
    void on(TimePoint now, InstanceOpened& command);
    void on(TimePoint now, InstanceRefused& command);
    void on(TimePoint now, ImageLoaded& command);
    void on(TimePoint now, DeviceClosed& command);
    void on(TimePoint now, DeviceBroke& command);
    void on(TimePoint now, DeviceSensed& command);
    void on(TimePoint now, Heartbeat& command);
    void on(TimePoint now, Drain& command);
    void on(TimePoint now, Stop& command);

    void update_model(ServedModel& model);
    void update_readiness();
    void finish_drain(TimePoint now);

    Config config_;
    Metrics& metrics_;
    HealthBoard& health_;
    ModelTable models_;
    TenantTable tenants_;
    DeviceTable devices_;
    ServerState server_;
    CallSlab slab_;
    RecordedScheduler scheduler_;
    CallDesk desk_;
    GatherPool gather_;
    LanePool lanes_;
    ZmqFrontend data_;
    ControlEndpoint control_;
    std::unique_ptr<zmq::context_t> context_;
    Mailbox<Command> commands_;
    Mailbox<Notice> notices_;
    TimePoint next_tick_{};
    TimePoint next_report_{};            ///< of what was learnt
    std::vector<LearntCurve> reported_;  ///< then
    std::uint32_t next_instance_ = 0;
    std::vector<std::vector<std::optional<InstanceId>>> instances_;  ///< [model][device]
    std::vector<pollfd> poll_fds_;  ///< by Source; then one per lane
    bool data_waits_ = false;       ///< the data socket has messages, whatever its descriptor says
    bool control_waits_ = false;
    std::uint64_t lanes_generation_ = 0;
    std::optional<TimePoint> drain_until_;
    bool settled_ = false;
    bool is_drained_ = false;
    bool stopped_ = false;

    // Reused for their memory.
    std::vector<Decision> decisions_;
    std::vector<Command> incoming_;
    std::vector<int> lane_fds_;
};

}  // namespace bunch
