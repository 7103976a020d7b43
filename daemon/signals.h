/// Signals as a descriptor, so that the main thread waits for them like for anything else.
#pragma once

#include <optional>

#include "backends/wire/unique_fd.h"
#include "core/result.h"

namespace bunch {

/// Blocks SIGTERM, SIGINT and SIGHUP for this thread and those it starts later; ignores SIGPIPE.
class Signals {
  public:
    /// Before any other thread starts.
    static Result<Signals> open();

    /// Readable while a signal waits.
    int fd() const { return fd_.get(); }

    /// The next signal's number, or nothing. Does not block.
    std::optional<int> take();

  private:
    explicit Signals(UniqueFd fd) : fd_(std::move(fd)) {}
    UniqueFd fd_;
};

}  // namespace bunch
