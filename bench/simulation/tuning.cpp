#include "bench/simulation/tuning.h"

#include <algorithm>
#include <utility>

#include "bench/simulation/bound.h"
#include "bench/simulation/policies.h"
#include "bench/simulation/trial.h"

namespace bunch::simulation {
namespace {

/// One contender in one scenario on the way to its best setting.
struct Climb {
    const Scenario* scenario = nullptr;
    double bound = 0;
    std::vector<Dimension> dimensions;
    BestSetting best;
    bool has_figure = false;
};

PolicyChoice with(PolicyChoice choice, const std::string& setting, double value) {
    for (auto& [name, old] : choice.settings) {
        if (name != setting) continue;
        old = value;
        return choice;
    }
    choice.settings.emplace_back(setting, value);
    return choice;
}

double value_of(const PolicyChoice& choice, const std::string& setting) {
    for (const auto& [name, value] : choice.settings)
        if (name == setting) return value;
    return 0;
}

/// What a climb tries in one round: other values of one setting.
std::vector<PolicyChoice> candidates(const Climb& climb, std::size_t round) {
    if (!climb.has_figure) return {climb.best.choice};
    std::vector<PolicyChoice> choices;
    if (climb.dimensions.empty()) return choices;
    const Dimension& dimension = climb.dimensions[(round - 1) % climb.dimensions.size()];
    for (const double value : dimension.values)
        if (value != value_of(climb.best.choice, dimension.setting))
            choices.push_back(with(climb.best.choice, dimension.setting, value));
    return choices;
}

Status try_candidates(std::vector<Climb>& climbs, std::size_t round, const TuningOptions& options) {
    std::vector<Trial> trials;
    std::vector<std::pair<Climb*, PolicyChoice>> tried;
    for (Climb& climb : climbs) {
        if (round > climb.dimensions.size() * options.passes) continue;
        for (PolicyChoice& choice : candidates(climb, round)) {
            BUNCH_ASSIGN_OR_RETURN(PolicyMaker maker, policy_maker(choice));
            trials.push_back({climb.scenario, climb.bound, std::move(maker), options.seed,
                              options.resolution, std::nullopt});
            tried.emplace_back(&climb, std::move(choice));
        }
    }
    const std::vector<Finding> findings = find_all(trials, options.threads, [] {});
    for (std::size_t i = 0; i < tried.size(); ++i) {
        Climb& climb = *tried[i].first;
        const double figure = findings[i].figure;
        if (climb.has_figure && !is_better(*climb.scenario, figure, climb.best.figure)) continue;
        climb.has_figure = true;
        climb.best.figure = figure;
        climb.best.choice = std::move(tried[i].second);
    }
    return ok_status();
}

Climb start_of(const Scenario& scenario, double bound, const Contender& contender) {
    Climb climb{&scenario,
                bound,
                dimensions_for(contender, scenario),
                {scenario.name, contender.name, contender.fixed, 0}};
    for (const Dimension& dimension : climb.dimensions)
        climb.best.choice = with(climb.best.choice, dimension.setting, dimension.values.front());
    return climb;
}

}  // namespace

bool is_better(const Scenario& scenario, double figure, double than) {
    return scenario.measure == Measure::latency ? figure < than : figure > than;
}

Result<std::vector<BestSetting>> tune(
    const std::vector<Scenario>& scenarios, const TuningOptions& options,
    const std::function<void(std::size_t, std::size_t)>& progress) {
    std::vector<Climb> climbs;
    std::size_t rounds = 1;
    for (const Scenario& scenario : scenarios) {
        BUNCH_ASSIGN_OR_RETURN(const double bound, bound_of(scenario));
        for (const Contender& contender : contenders()) {
            climbs.push_back(start_of(scenario, bound, contender));
            rounds = std::max(rounds, climbs.back().dimensions.size() * options.passes + 1);
        }
    }
    for (std::size_t round = 0; round < rounds; ++round) {
        BUNCH_RETURN_IF_ERROR(try_candidates(climbs, round, options));
        progress(round + 1, rounds);
    }
    std::vector<BestSetting> best;
    for (Climb& climb : climbs) best.push_back(std::move(climb.best));
    return best;
}

}  // namespace bunch::simulation
