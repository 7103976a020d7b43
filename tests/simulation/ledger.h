/// Keeps its own account of every call of a simulated life and notes each step that the scheduler
/// must not take. Knows what was promised, not how it is done.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
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
};

class Ledger {
  public:
    void submitted(const Ticket& ticket);
    void cancel_asked(CallId call);
    void dispatched(const Batch& batch, const DispatchContext& context);
    void rejected(TimePoint at, const Reject& reject, const std::vector<ModelPolicy>& policies);
    void done(TimePoint at, const Batch& batch);
    void failed(TimePoint at, const Batch& batch);    ///< by the device: its calls end
    void lost(const Batch& batch, bool was_started);  ///< its rows wait again

    std::size_t open_calls() const { return open_; }
    std::size_t calls() const { return calls_.size(); }
    std::uint64_t answered() const { return answered_; }
    std::uint64_t rejected() const { return rejected_; }

    /// Of open calls.
    std::uint64_t waiting_rows(ModelId model) const;

    /// Those of them that were not on a lane that was lost after it had started with them.
    std::uint64_t waiting_usual_rows(ModelId model) const;

    /// Whether the batch runs rows again that are suspect.
    bool is_suspect(const Batch& batch) const;
    std::uint64_t waiting_bytes(ModelId model) const;

    /// Some open call; needs one.
    CallId open_call(std::uint64_t choice) const;

    /// The first wrong step in words, or "".
    const std::string& problem() const { return problem_; }
    void note(const std::string& problem);

  private:
    struct Row {
        std::optional<BatchId> batch;  ///< that it is on
        bool is_done = false;
        bool is_suspect = false;  ///< so that it may be overtaken
    };
    struct Life {
        Ticket ticket;
        std::vector<Row> rows;
        std::optional<TimePoint> ended;  ///< by the results or failure of its batches
        bool has_ended = false;
        bool cancel_asked = false;
    };

    void check_reason(TimePoint at, const Reject& reject, const Life& life,
                      const std::vector<ModelPolicy>& policies);
    void check_slice(const Batch& batch, const Slice& slice, const DispatchContext& context);
    void check_order(const Slice& slice, const Ticket& ticket);
    void end(Life& life);

    std::map<CallId, Life> calls_;  ///< ids count up, so this is the order of arrival
    std::size_t open_ = 0;
    std::uint64_t answered_ = 0;
    std::uint64_t rejected_ = 0;
    std::string problem_;
};

}  // namespace bunch::simulation
