/// Builds the parts, starts them, supervises them from the main thread, drains and stops them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "backends/host/device_lock.h"
#include "backends/host/launcher.h"
#include "backends/host/runner_host.h"
#include "config/config.h"
#include "core/result.h"
#include "daemon/curve_store.h"
#include "daemon/health_board.h"
#include "daemon/http_frontend.h"
#include "daemon/reactor.h"
#include "daemon/signals.h"
#include "monitoring/metrics.h"

namespace bunch {

class Daemon {
  public:
    /// Makes folders, takes locks, binds every address. Signals are blocked from here on, so this
    /// comes before any other thread.
    static Result<std::unique_ptr<Daemon>> open(const Config& config);
    ~Daemon();

    /// Serves until SIGTERM or SIGINT, then drains. A second signal ends the drain at once.
    void run();

  private:
    /// What the main thread is doing.
    enum class Phase { serving, draining, stopping };

    Daemon(const Config& config, Signals signals, std::vector<DeviceLock> locks,
           std::unique_ptr<Launcher> launcher);

    void start_runners();
    void wait();
    void take_signals(TimePoint now);
    void take_notices(TimePoint now);
    void on(TimePoint now, const LaneBroken& notice);
    void on(TimePoint now, const ImageWanted& notice);
    void on(TimePoint now, const HeartbeatBack& notice);
    void on(TimePoint now, const Settled& notice);
    void on(TimePoint now, const Learnt& notice);
    void on(TimePoint now, const Drained& notice);
    void forward_events(DeviceId device, std::vector<HostEvent> events);
    void beat(TimePoint now);
    bool runners_are_stopped() const;

    Config config_;
    Signals signals_;
    std::vector<DeviceLock> locks_;
    std::unique_ptr<Launcher> launcher_;
    CurveStore curves_;
    Metrics metrics_;
    HealthBoard health_;
    std::unique_ptr<Reactor> reactor_;
    std::unique_ptr<HttpFrontend> http_;
    std::vector<std::unique_ptr<RunnerHost>> hosts_;  ///< index is DeviceId
    std::vector<std::uint64_t> lives_;                ///< runners that came up, by DeviceId
    std::uint32_t next_lane_ = 0;
    Phase phase_ = Phase::serving;
    std::optional<Duration> watchdog_;
    TimePoint next_beat_{};
    std::vector<Notice> incoming_;
    std::jthread reactor_thread_;
};

}  // namespace bunch
