#include "bench/simulation/study.h"

#include "bench/simulation/bound.h"
#include "bench/simulation/policies.h"

namespace bunch::simulation {
namespace {

template <typename Get>
double mean_of(const std::vector<Finding>& findings, Get get) {
    double sum = 0;
    for (const Finding& finding : findings) sum += get(finding);
    return sum / static_cast<double>(findings.size());
}

Trial trial_of(const StudyRow& row, const PolicyMaker& maker, std::uint64_t seed,
               const StudyOptions& options) {
    Trial trial{&row.scenario, row.bound, maker, seed, options.resolution, options.fixed_load};
    if (options.fixed_rate) trial.fixed_load = *options.fixed_rate / row.bound;
    return trial;
}

}  // namespace

double StudyCell::mean_figure() const {
    return mean_of(findings, [](const Finding& finding) { return finding.figure; });
}

double StudyCell::mean_jain() const {
    return mean_of(findings, [](const Finding& finding) { return finding.jain; });
}

double StudyCell::mean_swaps() const {
    return mean_of(findings,
                   [](const Finding& finding) { return static_cast<double>(finding.run.swaps()); });
}

Result<Study> run_study(const std::vector<Scenario>& scenarios, const StudyOptions& options,
                        const std::function<void(std::size_t, std::size_t)>& progress) {
    std::vector<PolicyMaker> makers;
    for (const PolicyChoice& choice : options.policies) {
        BUNCH_ASSIGN_OR_RETURN(PolicyMaker maker, policy_maker(choice));
        makers.push_back(std::move(maker));
    }
    Study study{options, {}};
    for (const Scenario& scenario : scenarios) {
        BUNCH_ASSIGN_OR_RETURN(const double bound, bound_of(scenario));
        study.rows.push_back({scenario, bound, std::vector<StudyCell>(makers.size())});
    }
    std::vector<Trial> trials;
    for (const StudyRow& row : study.rows)
        for (const PolicyMaker& maker : makers)
            for (std::uint64_t i = 0; i < options.seeds; ++i)
                trials.push_back(trial_of(row, maker, options.first_seed + i, options));
    std::size_t through = 0;
    std::vector<Finding> findings =
        find_all(trials, options.threads, [&] { progress(++through, trials.size()); });
    auto next = findings.begin();
    for (StudyRow& row : study.rows)
        for (StudyCell& cell : row.cells)
            for (std::uint64_t i = 0; i < options.seeds; ++i)
                cell.findings.push_back(std::move(*next++));
    return study;
}

std::optional<bool> is_beaten(const Study& study, const StudyRow& row, const StudyCell& cell) {
    const Scenario& scenario = row.scenario;
    const bool own_load = scenario.farm || (!study.options.fixed_load && !study.options.fixed_rate);
    if (!scenario.beat || !own_load) return std::nullopt;
    // As precise as the figures are written.
    constexpr double kRounding = 0.0005;
    if (scenario.swaps && cell.mean_swaps() != *scenario.swaps) return false;
    const double figure = cell.mean_figure();
    return scenario.measure == Measure::latency ? figure <= *scenario.beat
                                                : figure >= *scenario.beat - kRounding;
}

}  // namespace bunch::simulation
