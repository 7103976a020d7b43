#include "bench/simulation/goodput.h"

#include "bench/simulation/result.h"
#include "bench/simulation/world.h"

namespace bunch::simulation {
namespace {

constexpr double kLeastOfAll = 0.99;
constexpr double kLeastOfEach = 0.97;
constexpr double kMostTried = 1.1;

}  // namespace

bool keeps_objectives(const RunResult& result) {
    for (const ModelResult& model : result.models)
        if (model.ends.part_in_objective() < kLeastOfEach) return false;
    return result.all().part_in_objective() >= kLeastOfAll;
}

double goodput_of(const Scenario& scenario, const PolicyMaker& maker,
                  const GoodputOptions& options) {
    double kept = 0;
    double lost = kMostTried;
    while (lost - kept > options.resolution) {
        const double middle = (kept + lost) / 2;
        const auto policy = maker(options.seed);
        const RunResult result =
            run_world(scenario, *policy, {.rate = middle * options.bound, .seed = options.seed});
        (keeps_objectives(result) ? kept : lost) = middle;
    }
    return kept;
}

}  // namespace bunch::simulation
