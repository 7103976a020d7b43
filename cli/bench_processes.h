/// Runs the processes of `bunch bench`: starts them, lets them begin together, and collects what
/// they counted.
#pragma once

#include <functional>

#include "cli/bench_worker.h"
#include "core/result.h"

namespace bunch {

/// What all processes counted, and in what time.
struct BenchResult {
    BenchCounts counts;
    Duration measured{};
};

/// Called in this process when the window begins, and when it is over; in a run of a given number
/// of requests already before the warm-up.
struct BenchHooks {
    std::function<void()> at_begin;
    std::function<void()> at_end;
};

/// Forks plan.processes times; this process must have no other threads. Fails with what the first
/// process said that could not begin, or that vanished.
Result<BenchResult> run_bench(const BenchPlan& plan, const BenchHooks& hooks);

}  // namespace bunch
