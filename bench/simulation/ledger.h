/// The requests of a run: each is opened once and ends once, and the ledger sees to that, whatever
/// the policy does. Counts how they ended.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bench/simulation/result.h"
#include "bench/simulation/scenario.h"
#include "core/call.h"

namespace bunch::simulation {

/// A request as the world knows it.
struct Request {
    TimePoint arrival;
    TimePoint deadline = kNever;
    std::uint32_t model = 0;
    std::uint32_t tenant = 0;
    std::uint32_t client = 0;  ///< of the farm
    std::uint32_t rows_left = 0;
    std::uint32_t rows_on_lanes = 0;
    std::uint32_t generation = 0;
    bool is_measured = false;
    bool is_open = false;
};

/// How a request has just ended.
struct Ending {
    std::uint32_t client = 0;
    bool in_objective = false;
};

class Ledger {
  public:
    /// Requests that arrive in [from, until) are measured.
    Ledger(const Scenario& scenario, TimePoint from, TimePoint until);

    Ticket open(TimePoint at, std::uint32_t model, std::uint32_t tenant, std::uint32_t client);

    /// The same for a recorded request, which has its own rows and deadline.
    Ticket open(TimePoint at, const RecordedRequest& recorded);

    /// The rows of the batch are on a lane. Ends the process if they are not to be had: that is a
    /// bug of the policy.
    void take(const Batch& batch);
    /// They are not any more, and have not run.
    void put_back(const Batch& batch);
    /// They have run; appends the requests that have ended with that.
    void answer(TimePoint at, const Batch& batch, std::vector<Ending>& ended);
    /// Nothing if the request has ended already.
    std::optional<Ending> reject(CallId call, RejectReason reason);

    std::size_t open_requests() const { return open_; }
    std::uint64_t requests() const { return requests_; }

    /// Counts what is still open as unfinished.
    void close();

    const std::vector<Ends>& ends_of_models() const { return by_model_; }
    const std::vector<Ends>& ends_of_tenants() const { return by_tenant_; }
    const std::vector<Latencies>& latencies() const { return latencies_; }

  private:
    Ticket open(TimePoint at, Request request);
    Request& find(CallId call);
    void end(Request& request);
    void release(CallId call, Request& request);

    const Scenario& scenario_;
    TimePoint from_;
    TimePoint until_;
    std::vector<Request> table_;
    std::vector<std::uint32_t> free_;
    std::size_t open_ = 0;
    std::uint64_t requests_ = 0;
    std::vector<Ends> by_model_;
    std::vector<Ends> by_tenant_;
    std::vector<Latencies> latencies_;
};

}  // namespace bunch::simulation
