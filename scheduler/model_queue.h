/// The waiting rows of one model: in which order, and how much of it. First come, first served
/// within a line; a line holds what may share a batch. Not here: when and where rows run.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "core/call.h"
#include "scheduler/call_table.h"
#include "scheduler/events.h"
#include "scheduler/suspects.h"

namespace bunch {

/// What goes first, strictly but for a minimum share: 2 · priority, plus 1 for calls that stand
/// behind the others of their priority (of a tenant above its share; late ones that are still
/// wanted).
using Tier = std::uint16_t;

constexpr Tier tier_of(std::uint8_t priority, bool is_excess) {
    return static_cast<Tier>(2 * priority + (is_excess ? 1 : 0));
}

constexpr bool is_excess(Tier tier) {
    return tier % 2 != 0;
}

/// Pieces of equal tier and shape class, by sequence of their calls and then by row.
struct Line {
    Tier tier = 0;
    ShapeClass shape_class = 0;
    Index head = kNone;
    Index tail = kNone;
    std::uint64_t rows = 0;
};

/// All functions take the table that holds the calls and keeps OpenCall::queued_rows.
class ModelQueue {
  public:
    /// All rows of a new call wait.
    void push_back(CallTable& calls, Index call);

    /// Rows that were on a lane wait again, where they would stand had they never left. Needs a
    /// slice of an open call. Steps over older pieces only.
    void put_back(CallTable& calls, const HeldSlice& held);

    /// The group waits to run alone, before all lines: behind other suspects, or at their front.
    void add_suspects(CallTable& calls, SuspectGroup group, bool at_front);

    /// No row of the call waits any more.
    void drop(CallTable& calls, Index call);

    /// Takes up to `rows` rows of a piece of a line.
    HeldSlice take(CallTable& calls, std::size_t line, Index piece, std::uint32_t rows);

    /// All that waits of the call, but suspects, goes to the line of another tier.
    void change_tier(CallTable& calls, Index call, Tier tier);

    /// Takes up to `limit` rows of the first suspects. Needs has_suspects().
    SuspectGroup take_suspects(CallTable& calls, std::uint32_t limit);

    /// By tier, most urgent first; some may be empty. Valid until the next push_back().
    const std::vector<Line>& lines() const { return lines_; }
    bool has_suspects() const { return !suspects_.empty(); }
    const SuspectGroup& first_suspects() const { return suspects_.front(); }

    bool empty() const { return rows_ == 0; }
    std::uint64_t calls() const { return calls_; }  ///< with at least one row waiting
    std::uint64_t rows() const { return rows_; }
    std::uint64_t bytes() const { return bytes_; }  ///< of those calls, whole
    std::uint64_t longest_line() const;             ///< in rows

    /// Some call that waits. Needs a queue that is not empty.
    Index any_call(const CallTable& calls) const;

  private:
    std::size_t line_of(const OpenCall& call);
    void link(CallTable& calls, Line& line, Index piece, Index before);
    void unlink(CallTable& calls, Line& line, Index piece);
    void count_in(CallTable& calls, Index call, std::uint32_t rows);
    void count_out(CallTable& calls, Index call, std::uint32_t rows);

    std::vector<Line> lines_;
    std::deque<SuspectGroup> suspects_;
    std::uint64_t calls_ = 0;
    std::uint64_t rows_ = 0;
    std::uint64_t bytes_ = 0;
};

}  // namespace bunch
