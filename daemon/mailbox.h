/// The one way threads of the daemon meet: a bounded queue to one reader, who may poll its
/// descriptor together with sockets.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "backends/wire/unique_fd.h"
#include "core/check.h"
#include "daemon/mutex.h"

namespace bunch {

/// Any thread posts; one thread takes. Items arrive in the order in which they were posted.
template <typename T>
class Mailbox {
  public:
    explicit Mailbox(std::size_t capacity)
        : capacity_(capacity), event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
        BUNCH_CHECK(event_.get() >= 0);
        items_.reserve(capacity < 1024 ? capacity : 1024);
    }

    /// False, and `item` is untouched, if the box holds `capacity` items.
    [[nodiscard]] bool try_post(T&& item) { return put(std::move(item), capacity_); }

    /// For what must never wait behind new work (completions, ends): the sender itself bounds how
    /// many there can be.
    void post(T&& item) { put(std::move(item), SIZE_MAX); }

    /// Readable while items wait, until the next take_all().
    int fd() const { return event_.get(); }

    /// Moves everything into `out`, which is emptied first. Does not block.
    void take_all(std::vector<T>& out) {
        out.clear();
        std::uint64_t count = 0;
        [[maybe_unused]] const auto bytes = ::read(event_.get(), &count, sizeof count);
        const MutexLock lock(mutex_);
        std::swap(items_, out);
    }

  private:
    bool put(T&& item, std::size_t limit) {
        bool was_empty = false;
        {
            const MutexLock lock(mutex_);
            if (items_.size() >= limit) return false;
            was_empty = items_.empty();
            items_.push_back(std::move(item));
        }
        if (was_empty) {
            const std::uint64_t one = 1;
            [[maybe_unused]] const auto bytes = ::write(event_.get(), &one, sizeof one);
        }
        return true;
    }

    const std::size_t capacity_;
    const UniqueFd event_;
    Mutex mutex_;
    std::vector<T> items_ BUNCH_GUARDED_BY(mutex_);
};

}  // namespace bunch
