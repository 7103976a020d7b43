/// Keeps two daemons from driving one device: a locked file, `<state_dir>/<device>.lock`. The lock
/// goes with the process, however that ends; the file stays.
#pragma once

#include <string>

#include "backends/wire/unique_fd.h"
#include "core/result.h"

namespace bunch {

class DeviceLock {
  public:
    /// Never blocks. `unavailable` names the process that holds the lock.
    static Result<DeviceLock> acquire(const std::string& state_dir, const std::string& device);

  private:
    explicit DeviceLock(UniqueFd fd) : fd_(std::move(fd)) {}

    UniqueFd fd_;
};

}  // namespace bunch
