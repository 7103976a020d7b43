#include "backends/host/model_trial.h"

#include <utility>
#include <variant>

namespace bunch {
namespace {

// A killed process that is not gone by then hangs in its driver; nobody waits for that.
constexpr Duration kLeaveTime = std::chrono::seconds(1);

}  // namespace

ModelTrial::ModelTrial(Launcher& launcher, const std::string& backend,
                       const BackendOptions& options, ModelId id, ModelSpec spec, TimePoint now,
                       Duration timeout)
    : id_(id), spec_(std::move(spec)), deadline_(saturating_add(now, timeout)), timeout_(timeout) {
    spec_.max_batch_rows = 1;
    auto runner = RunnerConnection::launch(launcher, backend, options);
    if (runner.ok()) {
        runner_.emplace(std::move(*runner));
    } else {
        result_ = runner.status();
    }
}

Status ModelTrial::failure(StatusCode code, const std::string& what) const {
    const std::string file = spec_.path.empty() ? "" : " (" + spec_.path + ")";
    return {code, "model '" + spec_.name + "'" + file + ": " + what};
}

void ModelTrial::add_poll_fds(std::vector<pollfd>& fds) const {
    if (runner_ && !result_) runner_->add_poll_fds(fds);
}

std::optional<TimePoint> ModelTrial::next_wakeup() const {
    if (result_) return std::nullopt;
    return deadline_;
}

void ModelTrial::advance(TimePoint now) {
    if (result_) return;
    // Asked before the channel is read: what a runner said before it ended counts.
    const auto exit = runner_->process().exited();
    while (step_ != Step::leaving) {
        auto message = runner_->receive();
        if (!message.ok()) {
            leave(now, failure(StatusCode::internal,
                               "the runner broke the protocol: " + message.status().message()));
        } else if (*message) {
            handle(now, **message);
        } else {
            break;
        }
    }
    if (exit && step_ != Step::leaving) {
        leave(now, failure(StatusCode::internal,
                           "a runner that loaded it for trial " + exit->to_string()));
    }
    if (now >= deadline_ && step_ != Step::leaving) {
        leave(now, failure(StatusCode::deadline_exceeded, "it was not loaded for trial within " +
                                                              std::to_string(to_seconds(timeout_)) +
                                                              " s"));
    }
    if (step_ == Step::leaving && (exit || now >= deadline_)) result_ = std::move(outcome_);
}

void ModelTrial::handle(TimePoint now, const wire::ControlMessage& message) {
    if (const auto* refused = std::get_if<wire::Refused>(&message)) {
        leave(now, failure(StatusCode::unavailable, refused->reason));
    } else if (std::holds_alternative<wire::Hello>(message) && step_ == Step::greeting) {
        step_ = Step::loading;
        // A runner that is gone by now is seen as such.
        const Status sent = runner_->send(wire::Load{id_, spec_});
        if (sent.code() == StatusCode::invalid_argument)
            leave(now, failure(sent.code(), sent.message()));
    } else if (const auto* loaded = std::get_if<wire::Loaded>(&message);
               loaded != nullptr && step_ == Step::loading) {
        if (loaded->status.ok()) {
            leave(now, loaded->loaded);
        } else {
            leave(now, failure(loaded->status.code(), loaded->status.message()));
        }
    } else {
        leave(now, failure(StatusCode::internal, "the runner broke the protocol"));
    }
}

void ModelTrial::leave(TimePoint now, Result<LoadedModel> outcome) {
    step_ = Step::leaving;
    outcome_ = std::move(outcome);
    deadline_ = now + kLeaveTime;
    runner_->cut_off();
}

}  // namespace bunch
