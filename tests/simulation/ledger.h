/// Keeps its own account of every call of a simulated life and notes each step that the scheduler
/// must not take. Knows what was promised, not how it is done.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/call.h"
#include "scheduler/decision.h"
#include "scheduler/events.h"

namespace bunch::simulation {

/// What the promises depend on at the moment of a dispatch.
struct DispatchContext {
    TimePoint at;
    std::uint32_t row_limit = 0;
    bool one_call_per_batch = false;
    /// Calls of equal priority go in the order of their arrival: no tenant is put behind another.
    bool first_come = true;
};

class Ledger {
  public:
    /// `is_ordered`: it must not begin before an earlier one of its client that is, too.
    void submitted(TimePoint at, const Ticket& ticket, bool is_ordered);
    void cancel_asked(CallId call);
    /// Its Reject is among the decisions of this moment, maybe after a Dispatch that counts on it.
    void will_be_rejected(CallId call);

    void dispatched(const Batch& batch, const DispatchContext& context);
    void rejected(TimePoint at, const Reject& reject, const std::vector<ModelPolicy>& policies);
    void done(TimePoint at, const Batch& batch);
    void failed(TimePoint at, const Batch& batch);  ///< by the device: its calls end
    void lost(TimePoint at, const Batch& batch, bool was_started);  ///< its rows wait again

    std::size_t open_calls() const { return open_.size(); }
    std::size_t calls() const { return calls_.size(); }
    std::uint64_t answered() const { return answered_; }
    std::uint64_t rejected() const { return rejected_; }

    /// Of open calls.
    std::uint64_t waiting_rows(ModelId model) const;
    std::uint64_t waiting_bytes(ModelId model) const;

    /// Since when the oldest call waits that has no order to keep, suspect rows apart; kNever if
    /// none does.
    TimePoint waits_since(ModelId model) const;

    /// Whether the batch runs rows again that are suspect.
    bool is_suspect(const Batch& batch) const;

    /// Some open call; needs one.
    CallId open_call(std::uint64_t choice) const;

    /// The calls that have ended since it was asked last.
    std::vector<CallId> take_ended();

    /// The first wrong step in words, or "".
    const std::string& problem() const { return problem_; }
    void note(const std::string& problem);

  private:
    struct Row {
        std::optional<BatchId> batch;  ///< that it is on
        LaneId lane;                   ///< of that batch
        bool is_done = false;
        bool is_suspect = false;  ///< so that it may be overtaken

        bool waits() const { return !is_done && !batch; }
    };
    struct Entry {
        Ticket ticket;
        std::vector<Row> rows;
        TimePoint waits_since;
        bool is_ordered = false;
        std::optional<TimePoint> ended;  ///< by the results or failure of its batches
        bool has_ended = false;
        bool cancel_asked = false;
        bool ends_now = false;
    };

    void check_reason(TimePoint at, const Reject& reject, const Entry& entry,
                      const std::vector<ModelPolicy>& policies);
    void check_deadline(TimePoint at, const Reject& reject, const Ticket& ticket);
    void check_slice(const Batch& batch, const Slice& slice, const DispatchContext& context);
    void check_order(const Slice& slice, const Ticket& ticket);
    void check_client_order(const Batch& batch, const Ticket& ticket);
    void end(Entry& entry);

    std::map<CallId, Entry> calls_;  ///< ids count up, so this is the order of arrival
    std::set<CallId> open_;
    std::vector<CallId> ended_;
    std::uint64_t answered_ = 0;
    std::uint64_t rejected_ = 0;
    std::string problem_;
};

}  // namespace bunch::simulation
