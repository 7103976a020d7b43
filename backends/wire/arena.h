/// Memory that the daemon and one lane of a runner share: tensor bytes and nothing else, so that a
/// process which dies leaves nothing to unlock or repair.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "backends/wire/unique_fd.h"
#include "core/result.h"

namespace bunch {

/// A memfd, sealed against resizing (a truncated mapping would kill whoever touches it), mapped for
/// reading and writing. Pages are taken from the system when they are first touched.
class Arena {
  public:
    /// `bytes` > 0 is rounded up to whole pages. `name` is seen in /proc only.
    static Result<Arena> create(const std::string& name, std::uint64_t bytes);

    /// Maps what another process created; fails unless it is sealed and has exactly `bytes`.
    static Result<Arena> attach(UniqueFd fd, std::uint64_t bytes);

    Arena(Arena&& other) noexcept;
    Arena& operator=(Arena&& other) noexcept;
    ~Arena();

    int fd() const { return fd_.get(); }
    std::span<std::byte> bytes() const { return {data_, size_}; }

  private:
    Arena(UniqueFd fd, std::byte* data, std::size_t size)
        : fd_(std::move(fd)), data_(data), size_(size) {}
    static Result<Arena> map(UniqueFd fd, std::uint64_t bytes);

    UniqueFd fd_;
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace bunch
