/// The threads of one lane: its own and helpers, which sleep while there is nothing to do.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace bunch::cpu {

class Team {
  public:
    /// `size` >= 1 threads, the caller's among them. Helpers stay on `cores`, if there are any.
    explicit Team(unsigned size, std::vector<unsigned> cores = {});
    ~Team();

    Team(const Team&) = delete;
    Team& operator=(const Team&) = delete;

    unsigned size() const { return size_; }

    /// Calls `work(0)` here and `work(1)` to `work(size() - 1)` on the helpers, each of which
    /// computes on one thread (see threads.h); returns when all are through. `work` must not throw.
    /// Any thread; one call after the other.
    void run(const std::function<void(unsigned)>& work);

  private:
    void help(unsigned worker);

    const unsigned size_;
    const std::vector<unsigned> cores_;
    std::mutex turn_;
    const std::function<void(unsigned)>* work_ = nullptr;  ///< null: the helpers end
    std::atomic<std::uint32_t> round_ = 0, busy_ = 0;
    std::vector<std::jthread> helpers_;
};

}  // namespace bunch::cpu
