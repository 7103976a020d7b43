/// Whether an idle lane should wait for rows that are about to come, and how long. Pure arithmetic
/// over what is expected; who is expected is for returns.h and arrivals.h to say.
#pragma once

#include <algorithm>

#include "core/time.h"

namespace bunch {

/// A lane could begin with `rows` rows, all that wait.
struct WaitingCase {
    double rows = 1;
    double saturation = 0;   ///< 0: lanes have time to spare, 1: they never stand still
    Duration fixed{};        ///< of a run, whatever its rows
    double per_row = 0;      ///< seconds of a run
    Duration next_chance{};  ///< from now until a lane is free if this one begins at once
    Duration longest{};      ///< the wait that is allowed at most
};

/// The best time to wait, or zero: begin now. `expected(w)` is the number of rows that will come
/// within w.
///
/// The worth of a wait w in row seconds, with k rows here and D(w) to come: when lanes are
/// saturated each row that joins saves a fixed time of the device, and w is lost for those here:
/// D·fixed − k·w. When they are not, those who join need not wait for the next chance F, but make
/// the run longer for all: D·(F − w − 2·per_row·k) − k·w.
template <typename Expected>
Duration best_wait(const WaitingCase& now, Expected expected) {
    constexpr double kWorthwhile = 0.02;  // of the fixed time, so that nobody waits for nothing
    const double fixed = to_seconds(now.fixed);
    Duration best{};
    double most = kWorthwhile * fixed;
    for (Duration wait = now.fixed / 256; wait <= now.fixed && wait <= now.longest; wait *= 2) {
        if (wait <= Duration::zero()) break;
        const double w = to_seconds(wait);
        const double coming = expected(wait);
        const double lost = now.rows * w;
        const double chance = std::max(to_seconds(now.next_chance), w);
        const double busy = coming * fixed - lost;
        const double idle = coming * (chance - w - 2 * now.per_row * now.rows) - lost;
        const double worth = now.saturation * busy + (1 - now.saturation) * idle;
        if (worth <= most) continue;
        most = worth;
        best = wait;
    }
    return best;
}

}  // namespace bunch
