#include "bench/simulation/goodput.h"

#include <utility>

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

Goodput goodput_of(const Scenario& scenario, const PolicyMaker& maker,
                   const GoodputOptions& options) {
    Goodput best;
    double lost = kMostTried;
    while (lost - best.part > options.resolution) {
        const double middle = (best.part + lost) / 2;
        const auto policy = maker(options.seed);
        RunResult result =
            run_world(scenario, *policy, {.rate = middle * options.bound, .seed = options.seed});
        if (keeps_objectives(result)) {
            best = {middle, std::move(result)};
        } else {
            lost = middle;
        }
    }
    return best;
}

}  // namespace bunch::simulation
