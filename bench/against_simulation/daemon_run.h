/// A real bunchd for the time of one measurement, in a temporary folder. It dies with this process.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "bench/simulation/scenario.h"
#include "core/result.h"
#include "protocol/bunch_status.pb.h"

namespace bunch::against {

class DaemonRun {
  public:
    /// Starts `program` for the scenario, and waits until it is ready.
    static Result<std::unique_ptr<DaemonRun>> start(const std::string& program,
                                                    const simulation::Scenario& scenario);

    /// Ends it, and removes its folder.
    ~DaemonRun();
    DaemonRun(const DaemonRun&) = delete;
    DaemonRun& operator=(const DaemonRun&) = delete;

    std::string endpoint() const;

    /// What it says of itself.
    Result<v1::StatusResponse> status() const;

  private:
    explicit DaemonRun(std::string folder) : folder_(std::move(folder)) {}

    Status launch(const std::string& program, const simulation::Scenario& scenario);
    Status wait_until_ready();

    std::string folder_;
    pid_t pid_ = -1;
};

}  // namespace bunch::against
