#include "daemon/daemon.h"

#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>

#include "backends/host/process_launcher.h"
#include "daemon/sd_notify.h"
#include "monitoring/log.h"

namespace bunch {
namespace {

constexpr Duration kBeatPeriod = std::chrono::seconds(1);
constexpr Duration kPatience = std::chrono::seconds(10);  // with a reactor that does not answer
constexpr Duration kStopGrace = std::chrono::seconds(4);  // for runners to end in order
constexpr std::string_view kIpc = "ipc://";

Status make_folder(const std::filesystem::path& folder, std::string_view key) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (!error) return ok_status();
    return unavailable("cannot make the folder '" + folder.string() + "' of " + std::string(key) +
                       ": " + error.message());
}

/// Locks every ipc endpoint: binding it would take it away from another daemon without a word.
Status lock_endpoints(const std::vector<std::string>& endpoints, std::string_view key,
                      std::vector<DeviceLock>& locks) {
    for (const std::string& endpoint : endpoints) {
        if (endpoint.rfind(kIpc, 0) != 0) continue;
        if (endpoint[kIpc.size()] == '@') continue;  // abstract: no file, and bound once only
        const std::filesystem::path path = std::filesystem::absolute(endpoint.substr(kIpc.size()));
        BUNCH_RETURN_IF_ERROR(make_folder(path.parent_path(), key));
        BUNCH_ASSIGN_OR_RETURN(DeviceLock lock,
                               DeviceLock::acquire(path.parent_path(), path.filename()));
        locks.push_back(std::move(lock));
    }
    return ok_status();
}

/// Where runners are: configured, beside the daemon in a build tree, or installed.
std::string find_runner_dir(const ServerConfig& server) {
    if (!server.runner_dir.empty()) return server.runner_dir;
    std::error_code error;
    const auto own = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
    const auto installed = own.parent_path() / "libexec" / "bunch";
    return std::filesystem::is_directory(installed, error) ? installed : own;
}

DeviceSettings settings_of(const DeviceConfig& device, const Config& config) {
    DeviceSettings settings;
    settings.name = device.name;
    settings.backend = device.backend;
    settings.options = device.options;
    settings.lanes = device.lanes;
    settings.slots = device.slots;
    settings.arena_bytes = device.arena_bytes;
    settings.state_dir = config.server.state_dir;
    // What it finds out about a model at the first load outlives the runner.
    if (device.backend == "cpu")
        settings.options.try_emplace("plan_cache", config.server.state_dir + "/plans");
    settings.restart = {config.restart.initial_pause, config.restart.max_pause,
                        config.restart.max_restarts, config.restart.window};
    return settings;
}

/// The model as that device is to load it.
ModelSpec spec_on(const ModelSpec& model, const std::string& device) {
    ModelSpec spec = model;
    if (!model.twin) return spec;
    const auto& names = model.twin->devices;
    if (std::find(names.begin(), names.end(), device) != names.end()) spec.path = model.twin->path;
    return spec;
}

}  // namespace

Result<std::unique_ptr<Daemon>> Daemon::open(const Config& config) {
    BUNCH_ASSIGN_OR_RETURN(Signals signals, Signals::open());
    BUNCH_RETURN_IF_ERROR(make_folder(config.server.state_dir, "server.state_dir"));
    std::vector<DeviceLock> locks;
    BUNCH_RETURN_IF_ERROR(
        lock_endpoints(config.server.data_endpoints, "server.data_endpoints", locks));
    BUNCH_RETURN_IF_ERROR(
        lock_endpoints(config.server.control_endpoints, "server.control_endpoints", locks));
    std::unique_ptr<Daemon> daemon(new Daemon(config, std::move(signals), std::move(locks),
                                              process_launcher(find_runner_dir(config.server))));
    std::vector<LearntCurve> curves = daemon->curves_.curves();
    if (!curves.empty()) log::info("curves_recalled", {{"curves", curves.size()}});
    BUNCH_ASSIGN_OR_RETURN(daemon->reactor_, Reactor::open(config, daemon->metrics_,
                                                           daemon->health_, std::move(curves)));
    if (config.server.http_address.empty()) return daemon;
    HttpHandlers handlers;
    Daemon* self = daemon.get();
    handlers.metrics = [self] { return self->metrics_.text(); };
    handlers.health = [self] { return self->health_.alive(now(), kPatience); };
    handlers.ready = [self] { return self->health_.ready(); };
    BUNCH_ASSIGN_OR_RETURN(daemon->http_,
                           HttpFrontend::open(config.server.http_address, std::move(handlers)));
    return daemon;
}

Daemon::Daemon(const Config& config, Signals signals, std::vector<DeviceLock> locks,
               std::unique_ptr<Launcher> launcher)
    : config_(config),
      signals_(std::move(signals)),
      locks_(std::move(locks)),
      launcher_(std::move(launcher)),
      curves_(config.server.state_dir, config.models),
      watchdog_(watchdog_period()) {}

Daemon::~Daemon() {
    if (reactor_thread_.joinable()) reactor_->commands().post(Stop{});
}

void Daemon::run() {
    log::info("start", {{"name", config_.server.name},
                        {"version", BUNCH_VERSION},
                        {"devices", config_.devices.size()},
                        {"models", config_.models.size()},
                        {"http_port", http_ ? http_->port() : 0}});
    reactor_thread_ = std::jthread([this] { reactor_->run(); });
    start_runners();
    while (phase_ != Phase::stopping || !runners_are_stopped()) {
        wait();
        const TimePoint at = now();
        take_signals(at);
        take_notices(at);
        for (std::uint32_t i = 0; i < hosts_.size(); ++i) {
            hosts_[i]->advance(at);
            forward_events(DeviceId{i}, hosts_[i]->take_events());
        }
        beat(at);
    }
    reactor_->commands().post(Stop{});
    reactor_thread_.join();
    log::info("stop");
}

void Daemon::start_runners() {
    const TimePoint at = now();
    lives_.resize(config_.devices.size());
    for (const DeviceConfig& device : config_.devices) {
        auto host = std::make_unique<RunnerHost>(settings_of(device, config_), *launcher_,
                                                 [this] { return LaneId{next_lane_++}; });
        for (std::uint32_t i = 0; i < config_.models.size(); ++i) {
            const ModelSpec& model = config_.models[i];
            const auto& names = model.devices;
            if (std::find(names.begin(), names.end(), device.name) != names.end())
                host->load(ModelId{i}, spec_on(model, device.name));
        }
        host->start(at);
        hosts_.push_back(std::move(host));
    }
}

void Daemon::wait() {
    std::vector<pollfd> fds = {{signals_.fd(), POLLIN, 0}, {reactor_->notices().fd(), POLLIN, 0}};
    TimePoint due = next_beat_;
    for (const auto& host : hosts_) {
        host->add_poll_fds(fds);
        due = std::min(due, host->next_wakeup().value_or(kNever));
    }
    const auto pause = std::chrono::ceil<std::chrono::milliseconds>(due - now());
    ::poll(fds.data(), fds.size(),
           static_cast<int>(std::clamp<std::int64_t>(pause.count(), 0, 1000)));
}

void Daemon::take_signals(TimePoint at) {
    while (const auto signal = signals_.take()) {
        if (*signal == SIGHUP) {
            log::warn("reload_unsupported", {{"remedy", "restart the service"}});
            continue;
        }
        const bool is_first = phase_ == Phase::serving;
        const TimePoint until = is_first ? at + config_.server.drain_timeout : at;
        log::info("drain", {{"signal", *signal},
                            {"timeout_seconds", to_seconds(until - at)},
                            {"remedy", is_first ? "a second signal ends it at once" : ""}});
        if (is_first) notify_stopping();
        if (phase_ != Phase::stopping) phase_ = Phase::draining;
        reactor_->commands().post(Drain{until});
    }
}

void Daemon::take_notices(TimePoint at) {
    reactor_->notices().take_all(incoming_);
    for (const Notice& notice : incoming_)
        std::visit([&](const auto& one) { on(at, one); }, notice);
}

void Daemon::on(TimePoint at, const LaneBroken& notice) {
    hosts_[notice.device.value]->kill_runner(at, notice.reason);
}

void Daemon::on(TimePoint at, const ImageWanted& notice) {
    if (lives_[notice.device.value] == notice.life)
        hosts_[notice.device.value]->activate(at, notice.model);
}

void Daemon::on(TimePoint at, const HeartbeatBack&) {
    health_.beat(at);
    notify_watchdog();
}

void Daemon::on(TimePoint, const Settled&) {
    const Health ready = health_.ready();
    if (ready.ok) {
        log::info("ready");
    } else {
        std::string reasons;
        for (const std::string& reason : ready.reasons)
            reasons += (reasons.empty() ? "" : "; ") + reason;
        log::warn("not_ready", {{"reason", reasons}});
    }
    notify_ready();
}

void Daemon::on(TimePoint, const Learnt& notice) {
    if (const Status status = curves_.save(notice.curves); !status.ok()) {
        log::warn("curves_unsaved", {{"reason", status.message()}});
        return;
    }
    log::debug("curves_saved", {{"file", curves_.path()}, {"curves", notice.curves.size()}});
}

void Daemon::on(TimePoint at, const Drained& notice) {
    log::info("drained", {{"abandoned", notice.abandoned}});
    phase_ = Phase::stopping;
    for (const auto& host : hosts_) host->stop(at, kStopGrace);
}

void Daemon::forward_events(DeviceId device, std::vector<HostEvent> events) {
    auto& commands = reactor_->commands();
    for (HostEvent& event : events) {
        if (auto* up = std::get_if<DeviceUp>(&event)) {
            commands.post(DeviceOpened{device, ++lives_[device.value], std::move(up->device),
                                       std::move(up->lanes)});
        } else if (auto* instance = std::get_if<InstanceUp>(&event)) {
            commands.post(InstanceOpened{device, instance->model, std::move(instance->loaded)});
        } else if (auto* refused = std::get_if<InstanceFailed>(&event)) {
            commands.post(InstanceRefused{device, refused->model, std::move(refused->status)});
        } else if (auto* image = std::get_if<ImageChanged>(&event)) {
            commands.post(ImageLoaded{device, image->model, std::move(image->status)});
        } else if (auto* broke = std::get_if<DeviceFaulted>(&event)) {
            commands.post(DeviceBroke{device, std::move(broke->fault)});
        } else if (auto* read = std::get_if<DeviceRead>(&event)) {
            commands.post(DeviceSensed{device, read->readings});
        } else if (auto* lost = std::get_if<DeviceLost>(&event)) {
            if (lost->restart_at)
                commands.post(DeviceClosed{device, std::move(lost->reason), false});
        } else if (auto* failed = std::get_if<DeviceFailed>(&event)) {
            commands.post(DeviceClosed{device, failed->status.message(), true});
        }
    }
}

void Daemon::beat(TimePoint at) {
    if (at < next_beat_) return;
    next_beat_ = at + (watchdog_ ? std::min(kBeatPeriod, *watchdog_ / 3) : kBeatPeriod);
    reactor_->commands().post(Heartbeat{});
}

bool Daemon::runners_are_stopped() const {
    return std::all_of(hosts_.begin(), hosts_.end(),
                       [](const auto& host) { return host->is_stopped(); });
}

}  // namespace bunch
