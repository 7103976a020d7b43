#include "tests/simulation/ledger.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace bunch::simulation {
namespace {

// However wrong the estimates: a deadline that is so far ahead is not given up.
constexpr Duration kNotGivenUp = std::chrono::seconds(100);

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

void Ledger::submitted(TimePoint at, const Ticket& ticket, bool is_ordered) {
    calls_[ticket.call] = {
        ticket, std::vector<Row>(ticket.rows), at, is_ordered, std::nullopt, false, false, false};
    open_.insert(ticket.call);
}

void Ledger::cancel_asked(CallId call) {
    calls_.at(call).cancel_asked = true;
}

void Ledger::will_be_rejected(CallId call) {
    if (const auto found = calls_.find(call); found != calls_.end()) found->second.ends_now = true;
}

void Ledger::end(Entry& entry) {
    if (entry.has_ended) note(text(entry.ticket.call) + " ends twice");
    entry.has_ended = true;
    open_.erase(entry.ticket.call);
    ended_.push_back(entry.ticket.call);
}

std::vector<CallId> Ledger::take_ended() {
    return std::exchange(ended_, {});
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
    Entry& entry = found->second;
    const Ticket& ticket = entry.ticket;
    if (entry.has_ended) note(text(slice.call) + " runs after its end");
    if (ticket.model != batch.model) note(text(slice.call) + " runs on another model");
    if (ticket.shape_class != calls_.at(batch.slices[0].call).ticket.shape_class)
        note(text(batch.id) + " mixes shapes");
    if (ticket.deadline <= context.at && !ticket.late_ok)
        note(text(slice.call) + " is dispatched after its deadline");
    if (slice.rows == 0 || std::uint64_t{slice.first_row} + slice.rows > ticket.rows)
        return note(text(slice.call) + " has no such rows");
    // One whose deadline cannot be met stands behind the others, and has its turn there.
    const bool may_stand_behind = ticket.late_ok && ticket.deadline != kNever;
    if (context.first_come && !entry.rows[slice.first_row].is_suspect && !may_stand_behind)
        check_order(slice, ticket);
    if (entry.is_ordered) check_client_order(batch, ticket);
    for (std::uint32_t i = 0; i < slice.rows; ++i) {
        Row& row = entry.rows[slice.first_row + i];
        if (row.is_done) note(text(slice.call) + " runs a row again that is done");
        if (row.batch) note(text(slice.call) + " runs a row twice at the same time");
        row.batch = batch.id;
        row.lane = batch.lane;
    }
}

/// No row that waits is overtaken by one that arrived later. Apart from suspects, which go first,
/// from calls with a deadline: one that the lane cannot meet keeps nobody else waiting; and from
/// those that wait for an earlier one of their client.
void Ledger::check_order(const Slice& slice, const Ticket& ticket) {
    const auto waits = [](const Row& row) { return row.waits() && !row.is_suspect; };
    for (const CallId id : open_) {
        if (id > slice.call) return;
        const Entry& entry = calls_.at(id);
        if (entry.ticket.model != ticket.model || entry.ticket.deadline != kNever ||
            entry.ticket.priority != ticket.priority ||
            entry.ticket.shape_class != ticket.shape_class || entry.is_ordered || entry.ends_now)
            continue;
        const auto end = id == slice.call ? entry.rows.begin() + slice.first_row : entry.rows.end();
        if (std::any_of(entry.rows.begin(), end, waits))
            note(text(slice.call) + " overtakes " + text(id));
    }
}

/// No call of the client begins while an earlier one waits or is elsewhere.
void Ledger::check_client_order(const Batch& batch, const Ticket& ticket) {
    for (const CallId id : open_) {
        if (id >= ticket.call) return;
        const Entry& entry = calls_.at(id);
        if (entry.ticket.client != ticket.client || entry.ticket.model != ticket.model ||
            !entry.is_ordered || entry.ends_now)
            continue;
        const bool is_behind = std::any_of(
            entry.rows.begin(), entry.rows.end(),
            [&](const Row& row) { return row.waits() || (row.batch && row.lane != batch.lane); });
        if (is_behind) note(text(ticket.call) + " begins before its client's " + text(id));
    }
}

void Ledger::rejected(TimePoint at, const Reject& reject,
                      const std::vector<ModelPolicy>& policies) {
    const auto found = calls_.find(reject.call);
    if (found == calls_.end()) return note(text(reject.call) + " rejected but never submitted");
    Entry& entry = found->second;
    check_reason(at, reject, entry, policies);
    if (entry.ended == at) return;  // crossed with its last result
    end(entry);
    ++rejected_;
}

void Ledger::check_reason(TimePoint at, const Reject& reject, const Entry& entry,
                          const std::vector<ModelPolicy>& policies) {
    const Ticket& ticket = entry.ticket;
    const auto policy = std::find_if(policies.begin(), policies.end(),
                                     [&](const auto& one) { return one.model == ticket.model; });
    const bool is_known = policy != policies.end();
    if (reject.status.message().empty()) note(text(reject.call) + " is rejected without a word");
    switch (reject.status.code()) {
        case StatusCode::cancelled:
            if (!entry.cancel_asked) note(text(reject.call) + " is cancelled unasked");
            break;
        case StatusCode::deadline_exceeded:
            check_deadline(at, reject, ticket);
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

void Ledger::check_deadline(TimePoint at, const Reject& reject, const Ticket& ticket) {
    if (ticket.late_ok) note(text(ticket.call) + " expires although it may be late");
    if (reject.reason == RejectReason::expired && ticket.deadline > at)
        note(text(ticket.call) + " expires early");
    if (reject.reason == RejectReason::shed && ticket.deadline - at > kNotGivenUp)
        note(text(ticket.call) + " is given up although it has time");
}

void Ledger::done(TimePoint at, const Batch& batch) {
    for (const Slice& slice : batch.slices) {
        Entry& entry = calls_.at(slice.call);
        for (std::uint32_t i = 0; i < slice.rows; ++i) {
            entry.rows[slice.first_row + i].batch.reset();
            entry.rows[slice.first_row + i].is_done = true;
        }
        const bool is_complete = std::all_of(entry.rows.begin(), entry.rows.end(),
                                             [](const Row& row) { return row.is_done; });
        if (entry.has_ended || !is_complete) continue;
        end(entry);
        entry.ended = at;
        ++answered_;
    }
}

void Ledger::failed(TimePoint at, const Batch& batch) {
    for (const Slice& slice : batch.slices) {
        Entry& entry = calls_.at(slice.call);
        for (std::uint32_t i = 0; i < slice.rows; ++i)
            entry.rows[slice.first_row + i].batch.reset();
        if (entry.has_ended) continue;
        end(entry);
        entry.ended = at;
    }
}

void Ledger::lost(TimePoint at, const Batch& batch, bool was_started) {
    for (const Slice& slice : batch.slices) {
        Entry& entry = calls_.at(slice.call);
        entry.waits_since = at;
        for (std::uint32_t i = 0; i < slice.rows; ++i) {
            Row& row = entry.rows[slice.first_row + i];
            row.batch.reset();
            row.is_suspect = row.is_suspect || was_started;
        }
    }
}

std::uint64_t Ledger::waiting_rows(ModelId model) const {
    std::uint64_t sum = 0;
    for (const CallId id : open_) {
        const Entry& entry = calls_.at(id);
        if (entry.ticket.model == model)
            sum += static_cast<std::uint64_t>(std::count_if(
                entry.rows.begin(), entry.rows.end(), [](const Row& row) { return row.waits(); }));
    }
    return sum;
}

std::uint64_t Ledger::waiting_bytes(ModelId model) const {
    std::uint64_t sum = 0;
    for (const CallId id : open_) {
        const Entry& entry = calls_.at(id);
        if (entry.ticket.model == model && std::any_of(entry.rows.begin(), entry.rows.end(),
                                                       [](const Row& row) { return row.waits(); }))
            sum += entry.ticket.bytes;
    }
    return sum;
}

TimePoint Ledger::waits_since(ModelId model) const {
    TimePoint since = kNever;
    for (const CallId id : open_) {
        const Entry& entry = calls_.at(id);
        if (entry.ticket.model != model || entry.is_ordered) continue;
        if (std::any_of(entry.rows.begin(), entry.rows.end(),
                        [](const Row& row) { return row.waits() && !row.is_suspect; }))
            since = std::min(since, entry.waits_since);
    }
    return since;
}

bool Ledger::is_suspect(const Batch& batch) const {
    const Slice& slice = batch.slices.front();
    return calls_.at(slice.call).rows[slice.first_row].is_suspect;
}

CallId Ledger::open_call(std::uint64_t choice) const {
    auto chosen = open_.begin();
    std::advance(chosen, static_cast<std::ptrdiff_t>(choice % open_.size()));
    return *chosen;
}

}  // namespace bunch::simulation
