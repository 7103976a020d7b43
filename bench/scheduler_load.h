/// Loads for the scheduler alone, in virtual time and as light as can be, so that what is measured
/// is the scheduler: an open loop (requests come at a rate, whatever becomes of them) and a closed
/// one (each answer is followed by the next request). Not a study of what it decides: that is
/// bench/simulation.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/scheduler.h"

namespace bunch {

struct LoadedModel {
    Duration objective{};  ///< also each request's deadline; zero: neither
    double mix = 1;        ///< of the requests
};

/// What a model takes on a class: fixed + per_row * rows * (1 + contention * other busy lanes).
struct LoadedRun {
    std::uint32_t model = 0;
    Duration fixed{};
    Duration per_row{};
    std::uint32_t max_rows = 1;
    double contention = 0;
};

struct LoadedClass {
    std::string name;
    std::uint32_t devices = 1;
    std::uint32_t lanes = 1;  ///< of each
    std::vector<LoadedRun> runs;
};

struct LoadedPool {
    std::vector<LoadedModel> models;
    std::vector<LoadedClass> classes;
    double requests_per_second = 0;  ///< that it can answer at most
};

LoadedPool one_gpu();     ///< scenario S1
LoadedPool mixed_pool();  ///< scenario S4

/// Devices with two lanes, each with all models; 1 ms + 20 us per row, at most 32.
LoadedPool even_pool(std::uint32_t devices, std::uint32_t models);

/// What was asked of the scheduler, and what it decided.
struct LoadCounts {
    std::uint64_t requests = 0;
    std::uint64_t batches = 0;
    std::uint64_t rejects = 0;
};

/// The pool's lanes, which run what they are sent.
class LoadedLanes {
  public:
    LoadedLanes(const LoadedPool& pool, Scheduler& scheduler, TimePoint at);

    /// Has the scheduler decide, counts that, and puts the batches on their lanes.
    void decide(TimePoint at, LoadCounts& counts);

    bool is_idle() const { return ends_.empty(); }
    TimePoint next_end() const { return ends_.front().first; }  ///< needs lanes that run

    /// Ends the batch that ends first and begins the next of its lane. The result is to be
    /// recycled.
    Batch end_next(TimePoint at);

  private:
    struct Lane {
        std::uint32_t of_class = 0;
        std::uint32_t device = 0;
        std::vector<Batch> batches;  ///< oldest first
        Duration run{};
    };
    void take(Batch&& batch, TimePoint at);
    void begin(std::uint32_t lane, TimePoint at);

    const LoadedPool& pool_;
    Scheduler& scheduler_;
    std::vector<Lane> lanes_;
    std::vector<std::uint32_t> busy_lanes_;                  ///< by device
    std::vector<std::pair<TimePoint, std::uint32_t>> ends_;  ///< a heap, of running lanes
    std::uint32_t noise_ = 1;
    std::vector<Decision> decisions_;
};

class OpenLoad {
  public:
    /// Requests at `load` times what the pool can answer, of `clients` clients that tell their
    /// names (0: none).
    OpenLoad(const LoadedPool& pool, double load, std::uint32_t clients);

    /// Goes on until so many more requests have come.
    void run(std::uint64_t requests);

    const LoadCounts& counts() const { return counts_; }

  private:
    void submit();

    LoadedPool pool_;
    TimePoint now_;
    Scheduler scheduler_{1};
    LoadedLanes lanes_;
    std::uint32_t clients_;
    std::vector<Duration> gaps_;           ///< between requests, used in turn
    std::vector<std::uint32_t> sequence_;  ///< of models, used in turn
    TimePoint next_arrival_;
    std::uint64_t next_call_ = 0;
    LoadCounts counts_;
};

class ClosedLoad {
  public:
    /// Enough clients to keep all lanes busy. Each is always the same to the scheduler if they tell
    /// their names.
    ClosedLoad(const LoadedPool& pool, std::uint32_t clients, bool have_names,
               bool decides_after_each);

    void run(std::uint64_t requests);

    const LoadCounts& counts() const { return counts_; }

  private:
    void submit(std::uint64_t client);

    LoadedPool pool_;
    TimePoint now_;
    Scheduler scheduler_{1};
    LoadedLanes lanes_;
    bool have_names_;
    bool decides_after_each_;
    std::uint64_t random_ = 1;
    LoadCounts counts_;
};

}  // namespace bunch
