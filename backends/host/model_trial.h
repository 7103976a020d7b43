/// One model loaded by a scratch runner, for one row, to see whether its file can be loaded at all.
/// A file that crashes the loader crashes only this.
#pragma once

#include <poll.h>

#include <optional>
#include <string>
#include <vector>

#include "backends/host/launcher.h"
#include "backends/host/runner_connection.h"
#include "core/model.h"
#include "core/result.h"
#include "core/time.h"

namespace bunch {

/// Non-blocking, as RunnerHost. The destructor kills and reaps the scratch runner.
class ModelTrial {
  public:
    /// Starts the scratch runner.
    ModelTrial(Launcher& launcher, const std::string& backend, const BackendOptions& options,
               ModelId id, ModelSpec spec, TimePoint now, Duration timeout);

    ModelId model() const { return id_; }

    void add_poll_fds(std::vector<pollfd>& fds) const;
    void advance(TimePoint now);
    std::optional<TimePoint> next_wakeup() const;

    /// How it went, once the scratch runner is gone. A failure names the model, its file and what
    /// happened to the runner.
    const std::optional<Result<LoadedModel>>& result() const { return result_; }

  private:
    enum class Step : std::uint8_t { greeting, loading, leaving };

    void handle(TimePoint now, const wire::ControlMessage& message);
    void leave(TimePoint now, Result<LoadedModel> outcome);
    Status failure(StatusCode code, const std::string& what) const;

    ModelId id_;
    ModelSpec spec_;
    std::optional<RunnerConnection> runner_;
    Step step_ = Step::greeting;
    TimePoint deadline_;
    Duration timeout_;
    std::optional<Result<LoadedModel>> outcome_;  // known, but the runner still leaves
    std::optional<Result<LoadedModel>> result_;
};

}  // namespace bunch
