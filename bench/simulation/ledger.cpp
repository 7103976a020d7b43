#include "bench/simulation/ledger.h"

#include <algorithm>

#include "core/check.h"

namespace bunch::simulation {
namespace {

std::uint32_t index_of(CallId call) {
    return static_cast<std::uint32_t>(call.value);
}

CallId id_of(std::uint32_t index, std::uint32_t generation) {
    return CallId{std::uint64_t{generation} << 32 | index};
}

}  // namespace

Ledger::Ledger(const Scenario& scenario, TimePoint from, TimePoint until)
    : scenario_(scenario),
      from_(from),
      until_(until),
      by_model_(scenario.models.size()),
      by_tenant_(std::max<std::size_t>(1, scenario.tenants.size())),
      latencies_(scenario.models.size()) {}

Ticket Ledger::open(TimePoint at, std::uint32_t model, std::uint32_t tenant, std::uint32_t client) {
    const SimulatedModel& asked = scenario_.models[model];
    Request request;
    request.deadline =
        asked.objective && scenario_.deadlines ? saturating_add(at, *asked.objective) : kNever;
    request.model = model;
    request.tenant = tenant;
    request.client = client;
    request.rows_left = asked.rows;
    return open(at, request);
}

Ticket Ledger::open(TimePoint at, const RecordedRequest& recorded) {
    const SimulatedModel& asked = scenario_.models[recorded.model];
    Request request;
    request.deadline = recorded.timeout ? saturating_add(at, *recorded.timeout) : kNever;
    request.model = recorded.model;
    request.tenant = recorded.tenant;
    request.rows_left = recorded.rows;
    Ticket ticket = open(at, request);
    ticket.client = recorded.client;
    ticket.priority = recorded.priority;
    ticket.late_ok = recorded.late_ok;
    if (request.deadline == kNever && asked.objective)
        find(ticket.call).deadline = saturating_add(at, *asked.objective);
    return ticket;
}

Ticket Ledger::open(TimePoint at, Request request) {
    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(table_.size()));
        table_.emplace_back();
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    request.generation = table_[index].generation;
    request.arrival = at;
    request.is_measured = at >= from_ && at < until_;
    request.is_open = true;
    table_[index] = request;
    ++open_;
    ++requests_;
    if (request.is_measured) {
        ++by_model_[request.model].offered;
        ++by_tenant_[request.tenant].offered;
    }
    Ticket ticket;
    ticket.call = id_of(index, request.generation);
    ticket.deadline = request.deadline;
    ticket.model = ModelId{request.model};
    ticket.tenant = TenantId{request.tenant};
    ticket.rows = request.rows_left;
    return ticket;
}

Request& Ledger::find(CallId call) {
    const std::uint32_t index = index_of(call);
    BUNCH_CHECK(index < table_.size() && table_[index].generation == call.value >> 32);
    return table_[index];
}

void Ledger::take(const Batch& batch) {
    std::uint32_t rows = 0;
    for (const Slice& slice : batch.slices) {
        Request& request = find(slice.call);
        BUNCH_CHECK(request.is_open && request.model == batch.model.value && slice.rows > 0);
        request.rows_on_lanes += slice.rows;
        BUNCH_CHECK(request.rows_on_lanes <= request.rows_left);
        rows += slice.rows;
    }
    BUNCH_CHECK(rows > 0 && rows == batch.rows);
}

void Ledger::put_back(const Batch& batch) {
    for (const Slice& slice : batch.slices) {
        Request& request = find(slice.call);
        request.rows_on_lanes -= slice.rows;
        release(slice.call, request);
    }
}

void Ledger::answer(TimePoint at, const Batch& batch, std::vector<Ending>& ended) {
    for (const Slice& slice : batch.slices) {
        Request& request = find(slice.call);
        request.rows_on_lanes -= slice.rows;
        request.rows_left -= slice.rows;
        if (request.is_open && request.rows_left == 0) {
            const bool in_objective = at <= request.deadline;
            if (request.is_measured) {
                Ends& model = by_model_[request.model];
                Ends& tenant = by_tenant_[request.tenant];
                ++(in_objective ? model.in_objective : model.late);
                ++(in_objective ? tenant.in_objective : tenant.late);
                latencies_[request.model].add(at - request.arrival);
            }
            ended.push_back({request.client, in_objective});
            end(request);
        }
        release(slice.call, request);
    }
}

std::optional<Ending> Ledger::reject(CallId call, RejectReason reason) {
    // What ended with the last batch may cross with its Reject.
    const std::uint32_t index = index_of(call);
    if (index >= table_.size() || table_[index].generation != call.value >> 32) return {};
    Request& request = table_[index];
    if (!request.is_open) return {};
    if (request.is_measured) {
        ++by_model_[request.model].rejected[static_cast<std::size_t>(reason)];
        ++by_tenant_[request.tenant].rejected[static_cast<std::size_t>(reason)];
    }
    const Ending ending{request.client, false};
    end(request);
    release(call, request);
    return ending;
}

void Ledger::end(Request& request) {
    request.is_open = false;
    --open_;
}

void Ledger::release(CallId call, Request& request) {
    if (request.is_open || request.rows_on_lanes > 0) return;
    ++request.generation;
    free_.push_back(index_of(call));
}

void Ledger::close() {
    for (Request& request : table_) {
        if (!request.is_open) continue;
        if (request.is_measured) {
            ++by_model_[request.model].unfinished;
            ++by_tenant_[request.tenant].unfinished;
        }
        end(request);
    }
}

}  // namespace bunch::simulation
