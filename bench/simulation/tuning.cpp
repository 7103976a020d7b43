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
std::vector<PolicyChoice> choices_of(const Climb& climb, std::size_t round) {
    if (!climb.has_figure) return {climb.best.choice};
    std::vector<PolicyChoice> choices;
    if (climb.dimensions.empty()) return choices;
    const Dimension& dimension = climb.dimensions[(round - 1) % climb.dimensions.size()];
    for (const double value : dimension.values)
        if (value != value_of(climb.best.choice, dimension.setting))
            choices.push_back(with(climb.best.choice, dimension.setting, value));
    return choices;
}

struct Candidate {
    Climb* climb = nullptr;
    PolicyChoice choice;
    Trial trial;
};

Result<std::vector<Candidate>> candidates_of(std::vector<Climb>& climbs, std::size_t round,
                                             const TuningOptions& options) {
    std::vector<Candidate> all;
    for (Climb& climb : climbs) {
        if (round > climb.dimensions.size() * options.passes) continue;
        for (PolicyChoice& choice : choices_of(climb, round)) {
            BUNCH_ASSIGN_OR_RETURN(PolicyMaker maker, policy_maker(choice));
            all.push_back({&climb,
                           std::move(choice),
                           {climb.scenario, climb.bound, std::move(maker), options.seed,
                            options.resolution, std::nullopt}});
        }
    }
    return all;
}

std::vector<Finding> run(const std::vector<Candidate>& candidates, unsigned threads) {
    std::vector<Trial> trials;
    for (const Candidate& one : candidates) trials.push_back(one.trial);
    return find_all(trials, threads, [] {});
}

/// Most settings are no better, and one run a little above the best goodput so far shows it; only
/// the others are worth a search.
void drop_hopeless(std::vector<Candidate>& candidates, const TuningOptions& options) {
    std::vector<Candidate> challengers, others;
    for (Candidate& one : candidates) {
        const bool is_searched =
            one.climb->has_figure && one.climb->scenario->measure == Measure::goodput;
        if (is_searched) one.trial.fixed_load = one.climb->best.figure + options.resolution;
        (is_searched ? challengers : others).push_back(std::move(one));
    }
    const std::vector<Finding> findings = run(challengers, options.threads);
    for (std::size_t i = 0; i < challengers.size(); ++i) {
        if (!keeps_objectives(findings[i].run)) continue;
        challengers[i].trial.fixed_load.reset();
        others.push_back(std::move(challengers[i]));
    }
    candidates = std::move(others);
}

Status try_candidates(std::vector<Climb>& climbs, std::size_t round, const TuningOptions& options) {
    BUNCH_ASSIGN_OR_RETURN(std::vector<Candidate> candidates,
                           candidates_of(climbs, round, options));
    drop_hopeless(candidates, options);
    const std::vector<Finding> findings = run(candidates, options.threads);
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        Climb& climb = *candidates[i].climb;
        const double figure = findings[i].figure;
        if (climb.has_figure && !is_better(*climb.scenario, figure, climb.best.figure)) continue;
        climb.has_figure = true;
        climb.best.figure = figure;
        climb.best.choice = std::move(candidates[i].choice);
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
