/// One policy in one scenario with one seed, and the figure that comes out; and many of those, on
/// several threads.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "bench/simulation/goodput.h"
#include "bench/simulation/result.h"
#include "bench/simulation/scenario.h"

namespace bunch::simulation {

struct Trial {
    const Scenario* scenario = nullptr;  ///< must outlive the trial
    double bound = 0;                    ///< of the scenario, see bound_of()
    PolicyMaker maker;                   ///< called on the thread that runs the trial
    std::uint64_t seed = 1;
    double resolution = .002;          ///< of a goodput
    std::optional<double> fixed_load;  ///< open loop: instead of the measure's own load or search
};

struct Finding {
    double figure = 0;  ///< Measure says what it is
    double load = 0;    ///< requests as a part of the bound; 0 in a closed loop
    double jain = 1;    ///< with tenants: fairness of what each got of its share
    RunResult run;
};

/// With a fixed load the figure of a goodput is the part kept at that load.
Finding find(const Trial& trial);

/// All of them, in their order, on `threads` threads. `done` is called after each, never by two
/// threads at once.
std::vector<Finding> find_all(const std::vector<Trial>& trials, unsigned threads,
                              const std::function<void()>& done);

/// What each tenant got of its fair share, see jain_index(): its requests per second in objective
/// over its part of the bound, when what tenants leave over is shared among the others by weight.
std::vector<double> parts_of_fair_shares(const Scenario& scenario, double bound,
                                         const RunResult& result);

}  // namespace bunch::simulation
