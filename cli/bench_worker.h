/// One process of `bunch bench`: a closed loop over one connection. As cheap as can be, for it
/// shares the machine with what it measures.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cli/bench_histogram.h"
#include "cli/bench_inputs.h"
#include "client/connection.h"
#include "core/model.h"
#include "core/result.h"
#include "core/time.h"

namespace bunch {

/// What each process of a run does.
struct BenchPlan {
    std::string endpoint;
    std::string model;
    std::string version;
    std::string tenant;
    ModelSignature signature;
    BenchLengths lengths;
    std::uint32_t processes = 1;
    std::uint32_t concurrency = 1;  ///< requests in flight, of each process
    std::uint32_t rows = 1;         ///< of a request
    std::uint64_t requests = 0;     ///< of each process after the warm-up; 0: until time is up
    Duration warmup{};
    Duration duration{};
    Duration timeout{};
    std::uint64_t seed = 1;
    bool check = false;
    double tolerance = 1e-5;
};

/// When requests count: those that were answered from `begin` on and before `end`.
struct BenchWindow {
    TimePoint begin;
    TimePoint end = kNever;  ///< kNever: when the number of requests is reached
};

/// What one process counted. Trivially copyable: it goes through a pipe.
struct BenchCounts {
    LatencyHistogram latencies;  ///< of good answers
    std::array<std::uint64_t, 17> by_status{};
    std::uint64_t mismatches = 0;
    std::int64_t finished_ns = 0;  ///< when the last request that counts was answered

    void add(const BenchCounts& other);
    std::uint64_t errors() const;
};

/// One connection with its requests in flight.
class BenchWorker {
  public:
    /// Connects, and waits for the answer to one request. Fails if that fails.
    static Result<std::unique_ptr<BenchWorker>> open(const BenchPlan& plan, std::uint32_t process);

    BenchWorker(const BenchWorker&) = delete;
    BenchWorker& operator=(const BenchWorker&) = delete;

    /// Keeps the plan's number of requests in flight until the window is over, then lets the open
    /// ones end. Once.
    BenchCounts run(const BenchWindow& window);

  private:
    BenchWorker(const BenchPlan& plan, std::unique_ptr<Connection> connection)
        : plan_(plan), connection_(std::move(connection)), checks_(plan.concurrency) {}

    Request request_of(std::uint32_t slot) const;
    void submit(Request request, std::uint32_t slot);
    void take(Response& response, std::uint32_t slot);
    void count(const Response& response, std::uint32_t slot, TimePoint at);

    const BenchPlan& plan_;
    std::uint32_t process_ = 0;
    std::unique_ptr<Connection> connection_;
    std::vector<AnswerCheck> checks_;  ///< one for each request in flight
    BenchWindow window_;
    BenchCounts counts_;
    std::uint64_t counted_ = 0;
    bool over_ = false;
};

}  // namespace bunch
