/// Many worker processes that do the same for a while, and what they count. Each worker is a real
/// process, as on a computing site: nothing is shared but the questions and the counters.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "bench/farm/latency.h"
#include "bench/farm/questions.h"
#include "core/result.h"
#include "core/time.h"

namespace bunch::farm {

/// What one worker counts, in shared memory. Written by that worker; `finished` is read meanwhile.
struct Tally {
    std::atomic<std::uint64_t> finished;  ///< requests so far, failed ones too
    std::uint64_t rows;                   ///< of requests that ended in the window, as latencies
    std::uint64_t mismatches;
    std::uint64_t swapped;
    std::uint64_t errors;
    double max_deviation;
    Latencies latencies;
    std::array<char, 256> first_error;  ///< zero-terminated
};

/// The time in which requests count: those that end in [begin, end).
struct Window {
    TimePoint begin;
    TimePoint end;
};

/// The view that a worker has of its own run.
class Worker {
  public:
    /// `window` is shared memory that the parent fills before it closes the far end of `start_fd`.
    Worker(std::size_t index, Tally& tally, const Window& window, int ready_fd, int start_fd)
        : index_(index), tally_(tally), window_(window), ready_fd_(ready_fd), start_fd_(start_fd) {}

    std::size_t index() const { return index_; }

    /// Says that everything is set up; returns when all others are too. Once.
    const Window& wait_for_start();

    /// A request that was answered at `end`. Rate and latency count inside the window only, wrong
    /// answers and failures always.
    void answered(TimePoint begin, TimePoint end, std::uint64_t rows, const Verdict& verdict);
    void failed(const std::string& why);

  private:
    bool counts(TimePoint end) const { return end >= window_.begin && end < window_.end; }

    std::size_t index_;
    Tally& tally_;
    const Window& window_;
    int ready_fd_, start_fd_;
};

/// What all workers counted together.
struct CrowdResult {
    std::size_t workers = 0;
    double seconds = 0;  ///< length of the window
    std::uint64_t requests = 0;
    std::uint64_t rows = 0;
    std::uint64_t mismatches = 0;
    std::uint64_t swapped = 0;
    std::uint64_t errors = 0;
    double max_deviation = 0;
    Latencies latencies;
    std::string first_error;
};

struct CrowdPlan {
    std::size_t workers = 1;
    Duration warm_up = Duration::zero();
    Duration measured = Duration::zero();
};

/// What the parent does meanwhile. Called on its thread; all may be empty.
struct CrowdEvents {
    std::function<void()> on_begin;  ///< the window opens
    std::function<void()> on_end;    ///< the window closes; workers finish what they have begun
    /// A few times per second: fraction of the whole time that is over, requests so far.
    std::function<void(double fraction, std::uint64_t requests)> on_progress;
};

/// The life of a worker: set up, wait_for_start(), work until the end of the window that this
/// returned. An error ends the whole run.
using WorkerBody = std::function<Status(Worker& worker)>;

/// Forks the workers, lets them begin together, and reaps them. Everything that they shall share
/// must exist before. Fails if a worker fails or dies, and ends the others then. Call it from a
/// process that has no other threads: a forked child has only the one that forked.
Result<CrowdResult> run_crowd(const CrowdPlan& plan, const WorkerBody& body,
                              const CrowdEvents& events);

/// The same with workers of several kinds: worker i is of kind i % kinds. One result for each.
Result<std::vector<CrowdResult>> run_mixed_crowd(const CrowdPlan& plan, std::size_t kinds,
                                                 const WorkerBody& body, const CrowdEvents& events);

}  // namespace bunch::farm
