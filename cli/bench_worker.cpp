#include "cli/bench_worker.h"

#include <optional>

namespace bunch {

void BenchCounts::add(const BenchCounts& other) {
    latencies.add(other.latencies);
    for (std::size_t i = 0; i < by_status.size(); ++i) by_status[i] += other.by_status[i];
    mismatches += other.mismatches;
    finished_ns = std::max(finished_ns, other.finished_ns);
}

std::uint64_t BenchCounts::errors() const {
    std::uint64_t sum = 0;
    for (std::size_t i = 1; i < by_status.size(); ++i) sum += by_status[i];
    return sum;
}

Result<std::unique_ptr<BenchWorker>> BenchWorker::open(const BenchPlan& plan,
                                                       std::uint32_t process) {
    ConnectionOptions options;
    options.endpoints = {plan.endpoint};
    options.max_waiting = plan.concurrency;
    BUNCH_ASSIGN_OR_RETURN(auto connection, Connection::open(std::move(options)));
    std::unique_ptr<BenchWorker> worker(new BenchWorker(plan, std::move(connection)));
    worker->process_ = process;
    std::optional<Status> first;
    const auto id = worker->connection_->submit(
        worker->request_of(0), [&](Response& response) { first = response.status; });
    BUNCH_RETURN_IF_ERROR(id.status());
    while (!first) worker->connection_->poll(std::chrono::seconds(1));
    BUNCH_RETURN_IF_ERROR(*first);
    return worker;
}

Request BenchWorker::request_of(std::uint32_t slot) const {
    const std::uint64_t number = std::uint64_t{process_} * plan_.concurrency + slot;
    const std::uint64_t seed = plan_.seed + number;
    Request request = random_request(
        plan_.model, with_lengths(plan_.signature, plan_.lengths, seed), plan_.rows, seed);
    request.version = plan_.version;
    request.tenant = plan_.tenant;
    request.timeout = plan_.timeout;
    return request;
}

BenchCounts BenchWorker::run(const BenchWindow& window) {
    window_ = window;
    for (std::uint32_t slot = 0; slot < plan_.concurrency; ++slot) submit(request_of(slot), slot);
    while (connection_->open_requests() > 0) connection_->poll(std::chrono::seconds(1));
    return counts_;
}

void BenchWorker::submit(Request request, std::uint32_t slot) {
    const auto id = connection_->submit(std::move(request),
                                        [this, slot](Response& response) { take(response, slot); });
    // Cannot happen: the request was taken before, and as many may wait as are in flight.
    BUNCH_CHECK(id.ok());
}

void BenchWorker::take(Response& response, std::uint32_t slot) {
    const TimePoint at = now();
    over_ = over_ || at >= window_.end;
    if (!over_ && at >= window_.begin) count(response, slot, at);
    if (over_) return;
    Request next = std::move(response.request);
    const bool is_whole = std::all_of(next.inputs.begin(), next.inputs.end(),
                                      [](const auto& input) { return input.buffer.size() > 0; });
    submit(is_whole ? std::move(next) : request_of(slot), slot);
}

void BenchWorker::count(const Response& response, std::uint32_t slot, TimePoint at) {
    ++counts_.by_status[static_cast<std::size_t>(response.status.code())];
    if (response.status.ok()) {
        counts_.latencies.add(response.elapsed);
        if (plan_.check && !checks_[slot].is_right(response, plan_.tolerance)) ++counts_.mismatches;
    }
    counts_.finished_ns = at.time_since_epoch().count();
    over_ = plan_.requests > 0 && ++counted_ >= plan_.requests;
}

}  // namespace bunch
