#include "bench/simulation/trial.h"

#include "bench/simulation/bound.h"
#include "bench/simulation/study.h"
#include "tests/bench/simulation/small_world.h"

namespace bunch::simulation {
namespace {

PolicyMaker first_come() {
    return [](std::uint64_t) { return std::make_unique<FirstCome>(); };
}

Trial trial_of(const Scenario& scenario) {
    return {&scenario, *bound_of(scenario), first_come(), 1, .002, std::nullopt};
}

RunResult result_with(std::vector<std::pair<std::uint64_t, std::uint64_t>> offered_and_kept) {
    RunResult result;
    for (const auto& [offered, kept] : offered_and_kept) {
        ModelResult& model = result.models.emplace_back();
        model.ends.offered = offered;
        model.ends.in_objective = kept;
    }
    return result;
}

TEST(Goodput, NeedsNinetyNineOfAHundredAndOfEachModelNinetySeven) {
    EXPECT_TRUE(keeps_objectives(result_with({{1000, 990}})));
    EXPECT_FALSE(keeps_objectives(result_with({{1000, 989}})));
    EXPECT_TRUE(keeps_objectives(result_with({{10000, 10000}, {100, 97}})));
    EXPECT_FALSE(keeps_objectives(result_with({{10000, 10000}, {100, 96}})));
    EXPECT_TRUE(keeps_objectives(result_with({{10000, 10000}, {0, 0}})));
}

TEST(Goodput, IsTheLoadUpToWhichTheObjectivesAreKept) {
    Scenario scenario = open_loop();
    scenario.span = 5s;
    const double bound = *bound_of(scenario);
    const Goodput found = goodput_of(scenario, first_come(), {.bound = bound});
    const auto kept_at = [&](double part) {
        FirstCome policy;
        return keeps_objectives(run_world(scenario, policy, {.rate = part * bound}));
    };

    EXPECT_GT(found.part, 0.3);
    EXPECT_LT(found.part, 1);
    EXPECT_TRUE(keeps_objectives(found.run));
    EXPECT_TRUE(kept_at(found.part));
    EXPECT_FALSE(kept_at(found.part + .05));
}

TEST(Goodput, IsZeroWhereNothingIsKept) {
    Scenario scenario = open_loop();
    scenario.models[0].objective = 1us;

    EXPECT_LT(goodput_of(scenario, first_come(), {.bound = 1000, .resolution = .01}).part, .01);
}

TEST(Trial, MeasuresThePartKeptAtTheScenariosLoad) {
    Scenario scenario = open_loop();
    scenario.measure = Measure::kept;
    scenario.load = 0.5;

    const Finding finding = find(trial_of(scenario));

    EXPECT_DOUBLE_EQ(finding.load, 0.5);
    EXPECT_DOUBLE_EQ(finding.figure, finding.run.all().part_in_objective());
    EXPECT_GT(finding.figure, 0.9);
}

TEST(Trial, MeasuresLatencyInMilliseconds) {
    Scenario scenario = open_loop();
    scenario.measure = Measure::latency;
    scenario.load = 0.01;

    // Alone on the device nearly always.
    const Finding finding = find(trial_of(scenario));

    EXPECT_GT(finding.figure, 1.08);
    EXPECT_LT(finding.figure, 2.5);
}

TEST(Trial, MeasuresRoundsOfAFarmAsAPartOfTheBound) {
    const Scenario scenario = farm_of(3);

    const Finding finding = find(trial_of(scenario));

    EXPECT_DOUBLE_EQ(finding.figure, 18 / 20e-3 / *bound_of(scenario));
}

TEST(Trial, MeasuresWhatIsKeptForTenantsThatDoNotFlood) {
    Scenario scenario = open_loop();
    scenario.measure = Measure::tenants;
    scenario.tenants = {{.name = "victim", .load = 0.2},
                        {.name = "flood", .load = 1.5, .floods = true}};

    const Finding finding = find(trial_of(scenario));

    ASSERT_EQ(finding.run.tenants.size(), 2u);
    EXPECT_DOUBLE_EQ(finding.figure, finding.run.tenants[0].ends.part_in_objective());
    EXPECT_LT(finding.figure, 0.5);  // first come, first served protects nobody
}

TEST(Trial, TakesAFixedLoadInPlaceOfTheSearch) {
    const Scenario scenario = open_loop();
    Trial trial = trial_of(scenario);
    trial.fixed_load = 0.25;

    const Finding finding = find(trial);

    EXPECT_DOUBLE_EQ(finding.load, 0.25);
    EXPECT_NEAR(static_cast<double>(finding.run.all().offered), 0.25 * trial.bound * 0.4, 100);
}

TEST(Trial, FindsTheSameOnAnyNumberOfThreads) {
    const Scenario open = open_loop();
    const Scenario farm = farm_of(4);
    std::vector<Trial> trials;
    for (std::uint64_t seed = 1; seed <= 6; ++seed)
        for (const Scenario* scenario : {&open, &farm}) {
            trials.push_back(trial_of(*scenario));
            trials.back().seed = seed;
            trials.back().resolution = .02;
        }
    std::size_t told = 0;

    const std::vector<Finding> alone = find_all(trials, 1, [&] { ++told; });
    const std::vector<Finding> together = find_all(trials, 4, [&] { ++told; });

    EXPECT_EQ(told, 2 * trials.size());
    for (std::size_t i = 0; i < trials.size(); ++i) {
        EXPECT_EQ(alone[i].figure, together[i].figure);
        EXPECT_EQ(alone[i].run.fingerprint, together[i].run.fingerprint);
    }
}

TEST(FairShares, ShareWhatIsLeftOverByWeight) {
    Scenario scenario;
    scenario.tenants = {{.name = "small"}, {.name = "light"}, {.name = "heavy", .weight = 3}};
    RunResult result;
    result.seconds = 1;
    const auto add = [&result](std::uint64_t offered, std::uint64_t kept) {
        TenantResult& tenant = result.tenants.emplace_back();
        tenant.ends.offered = offered;
        tenant.ends.in_objective = kept;
    };
    add(100, 100);   // wants less than its share: 100
    add(1000, 150);  // a quarter of what is left of 500: 100
    add(1000, 150);  // the rest: 300

    EXPECT_THAT(parts_of_fair_shares(scenario, 500, result), ElementsAre(1, 1.5, 0.5));
}

TEST(JainIndex, IsOneForEqualPartsAndSmallWhenOneHasAll) {
    EXPECT_DOUBLE_EQ(jain_index({.7, .7, .7}), 1);
    EXPECT_DOUBLE_EQ(jain_index({1, 0, 0, 0}), .25);
    EXPECT_DOUBLE_EQ(jain_index({0, 0}), 1);
}

TEST(Latencies, GiveQuantilesWithinTwoPartsInAHundred) {
    Latencies latencies;
    for (int i = 1; i <= 100000; ++i) latencies.add(i * 1us);

    EXPECT_EQ(latencies.count(), 100000u);
    EXPECT_NEAR(to_seconds(latencies.quantile(.5)), 50e-3, 1e-3);
    EXPECT_NEAR(to_seconds(latencies.quantile(.99)), 99e-3, 2e-3);
    EXPECT_EQ(latencies.quantile(1), 100ms);
    EXPECT_EQ(latencies.longest(), 100ms);
    EXPECT_NEAR(to_seconds(latencies.mean()), 50e-3, 1e-6);
}

TEST(Latencies, OfOneAreThatOneAndOfNoneZero) {
    Latencies latencies;
    EXPECT_EQ(latencies.quantile(.5), 0ns);

    latencies.add(12345ns);
    EXPECT_EQ(latencies.quantile(.01), 12345ns);
    Latencies sum;
    sum.add(latencies);
    EXPECT_EQ(sum.quantile(.99), 12345ns);
    EXPECT_EQ(sum.count(), 1u);
}

}  // namespace
}  // namespace bunch::simulation
