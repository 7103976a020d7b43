/// Who is to blame when a lane is lost in the middle of a batch, or when a batch fails for what its
/// calls hold. The slices of such a batch run again in two halves, each half alone, and so on until
/// a poisonous input stands alone: it ends, all others are answered.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "scheduler/call_table.h"

namespace bunch {

/// Slices that must run together and with no others. Never empty.
struct SuspectGroup {
    std::vector<HeldSlice> slices;
    std::uint8_t lost_alone = 0;  ///< lanes lost while one slice of it ran alone

    std::uint32_t rows() const;
};

struct Verdict {
    std::vector<SuspectGroup> again;   ///< in the order in which they should run
    std::optional<HeldSlice> culprit;  ///< lost twice alone
};

/// What to do after a lane was lost during a batch that ran `group` alone or, with lost_alone 0,
/// was a usual batch. Slices of calls that have ended since are left out.
Verdict judge(const SuspectGroup& group, const CallTable& calls);

/// Cuts `group` to at most `limit` rows. What is over, if anything, is the result.
std::optional<SuspectGroup> cut_to(SuspectGroup& group, std::uint32_t limit);

}  // namespace bunch
