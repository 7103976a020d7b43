#include "tests/simulation/ledger.h"

#include <algorithm>
#include <iterator>
#include <set>

namespace bunch::simulation {
namespace {

std::string text(CallId call) {
    return "call " + std::to_string(call.value);
}

std::string text(BatchId batch) {
    return "batch " + std::to_string(batch.value);
}

}  // namespace

void Ledger::note(const std::string& problem) {
    if (problem_.empty()) problem_ = problem;
}

void Ledger::submitted(const Ticket& ticket) {
    calls_[ticket.call] = {ticket, std::vector<Row>(ticket.rows), std::nullopt, false, false};
    ++open_;
}

void Ledger::cancel_asked(CallId call) {
    calls_.at(call).cancel_asked = true;
}

void Ledger::end(Life& life) {
    if (life.has_ended) note(text(life.ticket.call) + " ends twice");
    life.has_ended = true;
    --open_;
}

void Ledger::dispatched(const Batch& batch, const DispatchContext& context) {
    std::uint64_t rows = 0;
    std::set<CallId> calls;
    for (const Slice& slice : batch.slices) {
        check_slice(batch, slice, context);
        rows += slice.rows;
        calls.insert(slice.call);
    }
    if (batch.slices.empty() || rows == 0) note(text(batch.id) + " is empty");
    if (rows != batch.rows) note(text(batch.id) + " has another number of rows than its slices");
    if (rows > context.row_limit)
        note(text(batch.id) + " has " + std::to_string(rows) + " rows, the limit is " +
             std::to_string(context.row_limit));
    if (context.one_call_per_batch && calls.size() > 1)
        note(text(batch.id) + " mixes calls of a model that must not");
}

void Ledger::check_slice(const Batch& batch, const Slice& slice, const DispatchContext& context) {
    const auto found = calls_.find(slice.call);
    if (found == calls_.end()) return note(text(slice.call) + " was never submitted");
    Life& life = found->second;
    const Ticket& ticket = life.ticket;
    if (life.has_ended) note(text(slice.call) + " runs after its end");
    if (ticket.model != batch.model) note(text(slice.call) + " runs on another model");
    if (ticket.shape_class != calls_.at(batch.slices[0].call).ticket.shape_class)
        note(text(batch.id) + " mixes shapes");
    if (ticket.deadline <= context.at && !ticket.late_ok)
        note(text(slice.call) + " is dispatched after its deadline");
    if (slice.rows == 0 || std::uint64_t{slice.first_row} + slice.rows > ticket.rows)
        return note(text(slice.call) + " has no such rows");
    if (!life.rows[slice.first_row].is_suspect) check_order(slice, ticket);
    for (std::uint32_t i = 0; i < slice.rows; ++i) {
        Row& row = life.rows[slice.first_row + i];
        if (row.is_done) note(text(slice.call) + " runs a row again that is done");
        if (row.batch) note(text(slice.call) + " runs a row twice at the same time");
        row.batch = batch.id;
    }
}

/// No row that waits is overtaken by one that arrived later; suspects apart, which go first.
void Ledger::check_order(const Slice& slice, const Ticket& ticket) {
    const auto waits = [](const Row& row) { return !row.is_done && !row.batch && !row.is_suspect; };
    for (const auto& [id, life] : calls_) {
        if (id > slice.call) return;
        if (life.has_ended || life.ticket.model != ticket.model ||
            life.ticket.priority != ticket.priority ||
            life.ticket.shape_class != ticket.shape_class)
            continue;
        const auto end = id == slice.call ? life.rows.begin() + slice.first_row : life.rows.end();
        if (std::any_of(life.rows.begin(), end, waits))
            note(text(slice.call) + " overtakes " + text(id));
    }
}

void Ledger::rejected(TimePoint at, const Reject& reject,
                      const std::vector<ModelPolicy>& policies) {
    const auto found = calls_.find(reject.call);
    if (found == calls_.end()) return note(text(reject.call) + " rejected but never submitted");
    Life& life = found->second;
    check_reason(at, reject, life, policies);
    if (life.ended == at) return;  // crossed with its last result
    end(life);
    ++rejected_;
}

void Ledger::check_reason(TimePoint at, const Reject& reject, const Life& life,
                          const std::vector<ModelPolicy>& policies) {
    const Ticket& ticket = life.ticket;
    const auto policy = std::find_if(policies.begin(), policies.end(),
                                     [&](const auto& one) { return one.model == ticket.model; });
    const bool is_known = policy != policies.end();
    if (reject.status.message().empty()) note(text(reject.call) + " is rejected without a word");
    switch (reject.status.code()) {
        case StatusCode::cancelled:
            if (!life.cancel_asked) note(text(reject.call) + " is cancelled unasked");
            break;
        case StatusCode::deadline_exceeded:
            if (ticket.deadline > at || ticket.late_ok) note(text(reject.call) + " expires early");
            break;
        case StatusCode::invalid_argument:
            if (is_known && ticket.rows > 0 && ticket.rows <= policy->max_rows_per_request &&
                (policy->batched || ticket.rows == 1))
                note(text(reject.call) + " is refused for rows that are allowed");
            break;
        case StatusCode::not_found:
            if (is_known) note(text(reject.call) + ": its model is configured");
            break;
        case StatusCode::resource_exhausted:
        case StatusCode::unavailable:
            break;
        default:
            note(text(reject.call) + " is rejected with " + reject.status.to_string());
    }
}

void Ledger::done(TimePoint at, const Batch& batch) {
    for (const Slice& slice : batch.slices) {
        Life& life = calls_.at(slice.call);
        for (std::uint32_t i = 0; i < slice.rows; ++i) {
            life.rows[slice.first_row + i].batch.reset();
            life.rows[slice.first_row + i].is_done = true;
        }
        const bool is_complete = std::all_of(life.rows.begin(), life.rows.end(),
                                             [](const Row& row) { return row.is_done; });
        if (life.has_ended || !is_complete) continue;
        end(life);
        life.ended = at;
        ++answered_;
    }
}

void Ledger::failed(TimePoint at, const Batch& batch) {
    for (const Slice& slice : batch.slices) {
        Life& life = calls_.at(slice.call);
        for (std::uint32_t i = 0; i < slice.rows; ++i) life.rows[slice.first_row + i].batch.reset();
        if (life.has_ended) continue;
        end(life);
        life.ended = at;
    }
}

void Ledger::lost(const Batch& batch, bool was_started) {
    for (const Slice& slice : batch.slices) {
        for (std::uint32_t i = 0; i < slice.rows; ++i) {
            Row& row = calls_.at(slice.call).rows[slice.first_row + i];
            row.batch.reset();
            row.is_suspect = row.is_suspect || was_started;
        }
    }
}

std::uint64_t Ledger::waiting_rows(ModelId model) const {
    std::uint64_t sum = 0;
    for (const auto& [id, life] : calls_) {
        if (life.has_ended || life.ticket.model != model) continue;
        sum += static_cast<std::uint64_t>(
            std::count_if(life.rows.begin(), life.rows.end(),
                          [](const Row& row) { return !row.is_done && !row.batch; }));
    }
    return sum;
}

std::uint64_t Ledger::waiting_usual_rows(ModelId model) const {
    std::uint64_t sum = 0;
    for (const auto& [id, life] : calls_) {
        if (life.has_ended || life.ticket.model != model) continue;
        sum += static_cast<std::uint64_t>(std::count_if(
            life.rows.begin(), life.rows.end(),
            [](const Row& row) { return !row.is_done && !row.batch && !row.is_suspect; }));
    }
    return sum;
}

bool Ledger::is_suspect(const Batch& batch) const {
    const Slice& slice = batch.slices.front();
    return calls_.at(slice.call).rows[slice.first_row].is_suspect;
}

std::uint64_t Ledger::waiting_bytes(ModelId model) const {
    std::uint64_t sum = 0;
    for (const auto& [id, life] : calls_) {
        if (life.has_ended || life.ticket.model != model) continue;
        const bool waits = std::any_of(life.rows.begin(), life.rows.end(),
                                       [](const Row& row) { return !row.is_done && !row.batch; });
        if (waits) sum += life.ticket.bytes;
    }
    return sum;
}

CallId Ledger::open_call(std::uint64_t choice) const {
    choice %= open_;
    for (const auto& [id, life] : calls_)
        if (!life.has_ended && choice-- == 0) return id;
    return {};
}

}  // namespace bunch::simulation
