/// Makes many networks side by side, judges each on the test sample, and keeps it on disk, so that
/// a study that was stopped can go on.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "muon/report/study.h"

namespace bunch::muon {

struct Job {
    std::string what;  ///< a name that no other job of the task has
    std::function<Result<TrainedRun>()> make;
    Judged* to = nullptr;
};

class Workshop {
  public:
    /// For `all` jobs. Keeps references to `study`, of which it reads settings and test samples,
    /// and to `on_step`.
    Workshop(const Study& study, std::size_t all, const OnStep& on_step)
        : study_(study), all_(all), on_step_(on_step) {}

    /// The error of the first job that failed, when all are done.
    Status run(Task task, const std::vector<Job>& jobs);

  private:
    Status run_one(Task task, const Job& job) const;
    Result<TrainedRun> made_by(const Job& job, const std::string& folder) const;
    Status judge(const TrainedRun& run, Score& score) const;

    const Study& study_;
    std::size_t all_, done_ = 0;
    const OnStep& on_step_;
    std::mutex mutex_;
};

}  // namespace bunch::muon
