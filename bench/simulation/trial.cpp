#include "bench/simulation/trial.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <numeric>
#include <thread>
#include <utility>

#include "bench/simulation/world.h"

namespace bunch::simulation {
namespace {

double part_kept_without_floods(const RunResult& result) {
    Ends sum;
    for (const TenantResult& tenant : result.tenants)
        if (!tenant.floods) sum += tenant.ends;
    return sum.part_in_objective();
}

double figure_of(const Trial& trial, const RunResult& result) {
    switch (trial.scenario->measure) {
        case Measure::goodput:
        case Measure::kept:
            return result.all().part_in_objective();
        case Measure::latency:
            return to_seconds(result.latencies().quantile(.99)) * 1e3;
        case Measure::tenants:
            return part_kept_without_floods(result);
        case Measure::events:
            return result.events_per_second / trial.bound;
    }
    return 0;
}

double load_of(const Trial& trial) {
    if (trial.scenario->farm) return 0;
    if (trial.fixed_load) return *trial.fixed_load;
    return trial.scenario->measure == Measure::tenants ? 1 : trial.scenario->load;
}

/// Parts of `capacity` by weight, but to nobody more than it wants.
std::vector<double> water_filled(const std::vector<double>& wants,
                                 const std::vector<double>& weights, double capacity) {
    std::vector<std::size_t> order(wants.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    // Who wants least for its weight is satisfied first and leaves the rest to the others.
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return wants[a] * weights[b] < wants[b] * weights[a];
    });
    double weight_left = std::accumulate(weights.begin(), weights.end(), 0.0);
    std::vector<double> shares(wants.size());
    for (const std::size_t i : order) {
        shares[i] = std::min(wants[i], capacity * weights[i] / weight_left);
        capacity -= shares[i];
        weight_left -= weights[i];
    }
    return shares;
}

}  // namespace

Finding find(const Trial& trial) {
    Finding finding;
    const Scenario& scenario = *trial.scenario;
    if (scenario.measure == Measure::goodput && !trial.fixed_load) {
        Goodput goodput =
            goodput_of(scenario, trial.maker,
                       {.bound = trial.bound, .resolution = trial.resolution, .seed = trial.seed});
        finding.figure = finding.load = goodput.part;
        finding.run = std::move(goodput.run);
    } else {
        finding.load = load_of(trial);
        const auto policy = trial.maker(trial.seed);
        finding.run =
            run_world(scenario, *policy, {.rate = finding.load * trial.bound, .seed = trial.seed});
        finding.figure = figure_of(trial, finding.run);
    }
    if (!scenario.tenants.empty())
        finding.jain = jain_index(parts_of_fair_shares(scenario, trial.bound, finding.run));
    return finding;
}

std::vector<Finding> find_all(const std::vector<Trial>& trials, unsigned threads,
                              const std::function<void()>& done) {
    std::vector<Finding> findings(trials.size());
    std::atomic<std::size_t> next{0};
    std::mutex told;
    const auto work = [&] {
        for (std::size_t i = next++; i < trials.size(); i = next++) {
            findings[i] = find(trials[i]);
            const std::lock_guard lock(told);
            done();
        }
    };
    std::vector<std::jthread> crew;
    for (unsigned i = 1; i < threads; ++i) crew.emplace_back(work);
    work();
    crew.clear();
    return findings;
}

std::vector<double> parts_of_fair_shares(const Scenario& scenario, double bound,
                                         const RunResult& result) {
    std::vector<double> wants;
    std::vector<double> weights;
    for (std::size_t t = 0; t < result.tenants.size(); ++t) {
        wants.push_back(static_cast<double>(result.tenants[t].ends.offered) / result.seconds);
        weights.push_back(scenario.tenants[t].weight);
    }
    const std::vector<double> shares = water_filled(wants, weights, bound);
    std::vector<double> parts;
    for (std::size_t t = 0; t < result.tenants.size(); ++t) {
        const double got =
            static_cast<double>(result.tenants[t].ends.in_objective) / result.seconds;
        parts.push_back(shares[t] > 0 ? got / shares[t] : 1);
    }
    return parts;
}

}  // namespace bunch::simulation
