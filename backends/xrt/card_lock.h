/// Keeps two runners, of whatever daemon and user, off one card: XRT itself lets processes share a
/// card as long as they want the same design. A name of an abstract socket, which goes with the
/// process; there is no file.
#pragma once

#include <string>

#include "backends/wire/unique_fd.h"
#include "core/result.h"

namespace bunch::fpga {

class CardLock {
  public:
    /// `card` is whatever tells the cards of this host apart. Never blocks; `unavailable` names the
    /// process that holds the lock.
    static Result<CardLock> acquire(const std::string& card);

  private:
    explicit CardLock(UniqueFd socket) : socket_(std::move(socket)) {}

    UniqueFd socket_;
};

}  // namespace bunch::fpga
