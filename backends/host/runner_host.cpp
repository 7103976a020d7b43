#include "backends/host/runner_host.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/check.h"

namespace bunch {
namespace {

// A killed process that is not gone by then hangs in its driver: its loss is reported all the same.
constexpr Duration kDyingTime = std::chrono::seconds(1);

BackendOptions with_counts(const DeviceSettings& settings) {
    BackendOptions options = settings.options;
    if (settings.lanes > 0) options["lanes"] = std::to_string(settings.lanes);
    if (settings.slots > 0) options["slots"] = std::to_string(settings.slots);
    return options;
}

std::string in_seconds(Duration span) {
    std::string text = std::to_string(to_seconds(span));
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text + " s";
}

}  // namespace

RunnerHost::RunnerHost(DeviceSettings settings, Launcher& launcher,
                       std::function<LaneId()> next_lane)
    : settings_(std::move(settings)),
      options_(with_counts(settings_)),
      launcher_(launcher),
      next_lane_(std::move(next_lane)),
      policy_(settings_.restart),
      models_(settings_.name, settings_.trial_loads) {}

RunnerHost::~RunnerHost() = default;

// ---- what the owner asks for ----

void RunnerHost::load(ModelId id, ModelSpec spec) {
    models_.add(id, std::move(spec));
}

void RunnerHost::activate(TimePoint now, ModelId id) {
    if (state_ != State::serving) return;
    activating_ = id;
    activated_by_ = saturating_add(now, settings_.load_timeout);
    send(now, wire::Activate{id});
}

void RunnerHost::unload(TimePoint now, ModelId id) {
    if (trial_ && trial_->model() == id) trial_.reset();
    const bool known = models_.remove(id);
    if (known && state_ == State::serving) send(now, wire::Unload{id});
}

void RunnerHost::start(TimePoint now) {
    BUNCH_CHECK(state_ == State::idle);
    if (!settings_.state_dir.empty()) {
        auto lock = DeviceLock::acquire(settings_.state_dir, settings_.name);
        if (!lock.ok()) return fail_device(lock.status());
        lock_.emplace(std::move(*lock));
    }
    launch(now);
    advance_trial(now);
}

void RunnerHost::kill_runner(TimePoint now, const std::string& reason) {
    // It may have said already what is wrong.
    if (is_talking()) converse(now);
    if (is_talking()) lose(now, reason);
}

void RunnerHost::stop(TimePoint now, Duration grace) {
    trial_.reset();
    lanes_.clear();
    held_up_.reset();
    if (!runner_) {
        state_ = State::idle;
        return;
    }
    if (is_talking()) send(now, wire::Stop{});
    state_ = State::stopping;
    deadline_ = now + grace / 2;
    kill_at_ = now + grace;
}

bool RunnerHost::is_stopped() const {
    return !runner_ && (state_ == State::idle || state_ == State::failed);
}

std::vector<HostEvent> RunnerHost::take_events() {
    return std::exchange(events_, {});
}

void RunnerHost::add_poll_fds(std::vector<pollfd>& fds) const {
    if (runner_) runner_->add_poll_fds(fds);
    if (trial_) trial_->add_poll_fds(fds);
}

std::optional<TimePoint> RunnerHost::next_wakeup() const {
    if (!events_.empty()) return TimePoint{};
    TimePoint next = std::min(deadline_, kill_at_);
    if (state_ == State::serving && !is_busy())
        next = std::min({next, next_ping_, pong_due_, retry_at_});
    if (state_ == State::serving) next = std::min(next, activated_by_);
    if (trial_) next = std::min(next, trial_->next_wakeup().value_or(kNever));
    if (next == kNever) return std::nullopt;
    return next;
}

void RunnerHost::advance(TimePoint now) {
    if (runner_) {
        // Asked before the channel is read: what a runner said before it ended counts.
        const auto exit = runner_->process().exited();
        converse(now);
        if (exit) {
            bury(now, *exit);
        } else {
            check_deadlines(now);
        }
    } else if (state_ == State::pausing && now >= deadline_) {
        launch(now);
    }
    advance_trial(now);
    if (state_ != State::serving) return;
    load_next(now);
    ping(now);
}

// ---- the runner's life ----

bool RunnerHost::is_talking() const {
    return state_ == State::greeting || state_ == State::opening || state_ == State::serving;
}

void RunnerHost::launch(TimePoint now) {
    const bool first = state_ == State::idle;
    auto runner = RunnerConnection::launch(launcher_, settings_.backend, options_);
    if (!runner.ok()) {
        if (first) return fail_device(runner.status());
        report_loss(now, runner.status().message());
        return pause_or_fail(now);
    }
    runner_.emplace(std::move(*runner));
    state_ = State::greeting;
    deadline_ = saturating_add(now, settings_.start_timeout);
    refusal_.clear();
    loss_reason_.clear();
    loss_reported_ = device_broke_ = told_up_ = false;
    activating_.reset();
    activated_by_ = retry_at_ = kNever;
}

void RunnerHost::converse(TimePoint now) {
    while (is_talking()) {
        auto message = runner_->receive();
        if (!message.ok()) return broke_protocol(now, message.status().message());
        if (!*message) break;
        std::visit([&](const auto& body) { handle(now, body); }, **message);
    }
    // What a runner still says while it stops must not keep the owner's poll awake.
    if (state_ == State::stopping) static_cast<void>(runner_->receive());
    // Closed without a word: it is about to end, or must.
    if (is_talking() && !runner_->is_open()) lose(now, "");
}

void RunnerHost::check_deadlines(TimePoint now) {
    if (state_ == State::stopping) {
        if (now >= kill_at_) {
            kill_at_ = deadline_ = kNever;
            runner_->cut_off();
        } else if (now >= deadline_) {
            deadline_ = kNever;
            runner_->process().terminate();
        }
        return;
    }
    if (state_ == State::serving && !is_busy() && now >= pong_due_)
        return lose(now, "it did not answer within " + in_seconds(settings_.ping_timeout));
    if (state_ == State::serving && now >= activated_by_)
        return lose(now, "it was not configured within " + in_seconds(settings_.load_timeout));
    if (now < deadline_) return;
    if (state_ == State::dying) {
        deadline_ = kNever;
        report_loss(now, loss_reason_ + "; the process cannot be ended");
        if (!restart_at_) pause_or_fail(now);
    } else if (state_ == State::serving) {
        if (const auto id = models_.loading()) {
            const Status late =
                deadline_exceeded("it was not loaded within " + in_seconds(settings_.load_timeout));
            models_.load_failed(*id, late, events_);
        }
        lose(now, "a model was not loaded within " + in_seconds(settings_.load_timeout));
    } else {
        lose(now, "it did not offer its device within " + in_seconds(settings_.start_timeout));
    }
}

void RunnerHost::broke_protocol(TimePoint now, const std::string& what) {
    lose(now, "it broke the protocol: " + what);
}

/// Ends the runner. How it ended is reported once it is gone, or kDyingTime later.
void RunnerHost::lose(TimePoint now, const std::string& reason) {
    state_ = State::dying;
    deadline_ = now + kDyingTime;
    loss_reason_ = reason;
    lanes_.clear();
    held_up_.reset();
    runner_->cut_off();
}

/// The runner is gone.
void RunnerHost::bury(TimePoint now, const RunnerExit& exit) {
    const bool stopping = state_ == State::stopping;
    runner_.reset();
    lanes_.clear();
    deadline_ = kill_at_ = kNever;
    if (stopping) {
        state_ = State::idle;
        return;
    }
    if (state_ == State::failed) return lock_.reset();  // given up while it could not be ended
    if (!refusal_.empty() && !ever_up_) {
        return fail_device(unavailable("device '" + settings_.name + "' (" + settings_.backend +
                                       ") is not available: " + refusal_));
    }
    if (!loss_reported_) {
        if (device_broke_)
            report_loss(now, loss_reason_);
        else
            report_loss(now, loss_reason_.empty() ? "it " + exit.to_string()
                                                  : loss_reason_ + "; it " + exit.to_string());
    }
    pause_or_fail(now);
}

void RunnerHost::pause_or_fail(TimePoint now) {
    if (!restart_at_) {
        return fail_device(unavailable(
            "device '" + settings_.name + "' is given up: its runner was lost more than " +
            std::to_string(settings_.restart.max_restarts) + " times within " +
            in_seconds(settings_.restart.window) + ", last: " + last_loss_ +
            " (find out why, then restart bunchd; or raise restart.max_restarts)"));
    }
    state_ = State::pausing;
    deadline_ = std::max(now, *restart_at_);
}

void RunnerHost::report_loss(TimePoint now, const std::string& reason) {
    loss_reported_ = true;
    const bool is_news = told_up_ || !recovering_ || reason != last_loss_;
    last_loss_ = reason;
    restart_at_ = next_start(now);
    models_.runner_lost(device_broke_, events_);
    recovering_ = recovering_ || device_broke_;
    if (is_news || !restart_at_) events_.emplace_back(DeviceLost{reason, restart_at_});
}

/// Waits for a repair have no end; all other losses are counted.
std::optional<TimePoint> RunnerHost::next_start(TimePoint now) {
    if (!device_broke_ || told_up_) {
        recovery_pause_ = settings_.restart.initial_pause;
        return policy_.after_loss(now);
    }
    recovery_pause_ = std::min(recovery_pause_ * 2, settings_.restart.max_pause);
    return now + recovery_pause_;
}

void RunnerHost::fail_device(const Status& status) {
    state_ = State::failed;
    deadline_ = kNever;
    trial_.reset();
    if (!runner_) lock_.reset();
    events_.emplace_back(DeviceFailed{status});
}

void RunnerHost::send(TimePoint now, const wire::ControlMessage& message,
                      std::span<const int> fds) {
    const Status sent = runner_->send(message, fds);
    // A runner that is gone is seen as such; one that does not read is as good as gone.
    if (sent.code() == StatusCode::resource_exhausted) lose(now, "it does not read its messages");
}

// ---- what the runner says ----

void RunnerHost::handle(TimePoint now, const wire::Hello& message) {
    if (state_ != State::greeting) return broke_protocol(now, "a second Hello");
    state_ = State::opening;
    device_ = message.device;
    lanes_.clear();
    lanes_opened_ = 0;
    for (std::uint32_t i = 0; i < device_.lanes && state_ == State::opening; ++i) {
        const Status status = open_lane(now, i);
        if (!status.ok()) return lose(now, "cannot make its lanes: " + status.message());
    }
}

Status RunnerHost::open_lane(TimePoint now, std::uint32_t index) {
    const std::string name = "bunch-" + settings_.name + "-" + std::to_string(index);
    BUNCH_ASSIGN_OR_RETURN(Arena arena, Arena::create(name, settings_.arena_bytes));
    BUNCH_ASSIGN_OR_RETURN(auto ends, Channel::pair());
    const std::array<int, 2> fds = {ends.second.fd(), arena.fd()};
    send(now, wire::OpenLane{index, device_.slots_per_lane, arena.bytes().size()}, fds);
    lanes_.push_back(std::make_unique<LaneLink>(next_lane_(), std::move(ends.first),
                                                std::move(arena), device_.slots_per_lane));
    return ok_status();
}

void RunnerHost::handle(TimePoint now, const wire::Refused& message) {
    if (state_ != State::greeting) return broke_protocol(now, "a refusal after Hello");
    refusal_ = message.reason.empty() ? "it gave no reason" : message.reason;
    // A device that worked once will work again.
    device_broke_ = ever_up_;
    lose(now, refusal_);
}

void RunnerHost::handle(TimePoint now, const wire::LaneOpened& message) {
    if (state_ != State::opening || message.index != lanes_opened_)
        return broke_protocol(now, "a lane that was not asked for");
    if (!message.status.ok()) {
        return lose(now, "lane " + std::to_string(message.index) +
                             " could not be opened: " + message.status.message());
    }
    if (++lanes_opened_ < device_.lanes) return;
    state_ = State::serving;
    slot_bytes_ = lanes_.front()->slot_bytes();
    deadline_ = pong_due_ = kNever;
    next_ping_ = now + settings_.ping_interval;
    held_up_ = DeviceUp{device_, std::exchange(lanes_, {})};
    if (!recovering_) tell_up();
}

void RunnerHost::tell_up() {
    if (!held_up_) return;
    events_.emplace_back(std::move(*held_up_));
    held_up_.reset();
    told_up_ = ever_up_ = true;
    recovering_ = false;
}

void RunnerHost::handle(TimePoint now, const wire::Activated& message) {
    if (activating_ != message.model) return broke_protocol(now, "an image that was not asked for");
    activating_.reset();
    activated_by_ = kNever;
    if (pong_due_ != kNever) pong_due_ = now + settings_.ping_timeout;
    events_.emplace_back(ImageChanged{message.model, message.status});
}

void RunnerHost::handle(TimePoint now, const wire::Fault& message) {
    // While waiting for a repair, the same words need not be told each time.
    const bool is_old = models_.loading() && !load_faults_.insert(message.fault.message).second;
    if (!is_old && (!recovering_ || message.fault.message != last_loss_))
        events_.emplace_back(DeviceFaulted{message.fault});
    if (!message.fault.ends_runner) return;
    device_broke_ = true;
    lose(now, message.fault.message);
}

void RunnerHost::handle(TimePoint now, const wire::Loaded& message) {
    if (models_.loading() != message.model)
        return broke_protocol(now, "a model that was not asked for");
    if (message.status.ok()) {
        tell_up();
        load_faults_.clear();
    }
    models_.load_done(message, slot_bytes_, events_);
    deadline_ = kNever;
    if (pong_due_ != kNever) pong_due_ = now + settings_.ping_timeout;
}

void RunnerHost::handle(TimePoint now, const wire::Pong& message) {
    if (message.number != pings_ || pong_due_ == kNever)
        return broke_protocol(now, "a Pong without its Ping");
    pong_due_ = kNever;
    next_ping_ = now + settings_.ping_interval;
    if (!(message.readings == DeviceReadings{})) events_.emplace_back(DeviceRead{message.readings});
}

template <typename Message>
void RunnerHost::handle(TimePoint now, const Message&) {
    broke_protocol(now, "a message that only the daemon may send");
}

// ---- models ----

void RunnerHost::load_next(TimePoint now) {
    if (now >= retry_at_) {
        retry_at_ = kNever;
        models_.retry_waiting();
    }
    while (state_ == State::serving) {
        const auto request = models_.next_load(slot_bytes_, events_);
        if (!request) {
            if (models_.loading()) return;
            tell_up();
            return plan_retry(now);
        }
        const Status sent = runner_->send(*request);
        if (sent.code() == StatusCode::invalid_argument) {
            models_.load_failed(request->model, sent, events_);
            continue;
        }
        deadline_ = saturating_add(now, settings_.load_timeout);
    }
}

/// Once all models have had their turn.
void RunnerHost::plan_retry(TimePoint now) {
    if (!models_.has_waiting()) {
        retry_pause_ = {};
    } else if (retry_at_ == kNever) {
        retry_pause_ = std::clamp(retry_pause_ * 2, settings_.restart.initial_pause,
                                  settings_.restart.max_pause);
        retry_at_ = saturating_add(now, retry_pause_);
    }
}

void RunnerHost::ping(TimePoint now) {
    if (state_ != State::serving || is_busy()) return;
    if (pong_due_ != kNever || now < next_ping_) return;
    pong_due_ = now + settings_.ping_timeout;
    next_ping_ = kNever;
    send(now, wire::Ping{++pings_});
}

void RunnerHost::advance_trial(TimePoint now) {
    if (state_ == State::idle || state_ == State::stopping || state_ == State::failed) return;
    for (;;) {
        if (trial_) {
            trial_->advance(now);
            if (!trial_->result()) return;
            models_.trial_done(trial_->model(), *trial_->result(), events_);
            trial_.reset();
        }
        auto next = models_.next_trial();
        if (!next) return;
        const Duration timeout = settings_.start_timeout + settings_.load_timeout;
        trial_.emplace(launcher_, settings_.backend, options_, next->model, std::move(next->spec),
                       now, timeout);
    }
}

}  // namespace bunch
