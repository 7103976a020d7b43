#include "bench/simulation/bound.h"

#include "tests/bench/simulation/small_world.h"

namespace bunch::simulation {
namespace {

double bound(const Scenario& scenario) {
    const Result<double> result = bound_of(scenario);
    EXPECT_TRUE(result.ok()) << result.status().to_string();
    return result.ok() ? *result : 0;
}

TEST(Bound, OfOneLaneIsItsLargestBatchAgainAndAgain) {
    EXPECT_NEAR(bound(open_loop()), 8 / 1.8e-3, 1e-6);
}

TEST(Bound, UsesNoBatchThatRunsLongerThanTheObjective) {
    Scenario scenario = open_loop();
    scenario.models[0].objective = 1450us;

    EXPECT_NEAR(bound(scenario), 4 / 1.4e-3, 1e-6);
}

TEST(Bound, DoesNotMindObjectivesThatAreNoDeadlines) {
    Scenario scenario = open_loop();
    scenario.models[0].objective = 1450us;
    scenario.deadlines = false;

    EXPECT_NEAR(bound(scenario), 8 / 1.8e-3, 1e-6);
}

TEST(Bound, CountsRequestsNotRows) {
    Scenario scenario = open_loop();
    scenario.models[0].rows = 4;

    EXPECT_NEAR(bound(scenario), 2 / 1.8e-3, 1e-6);
}

TEST(Bound, SharesALaneAmongModelsByTheirMix) {
    Scenario scenario = open_loop();
    scenario.models.push_back({.name = "B", .mix = 3});
    scenario.classes[0].curves.push_back({.model = 1, .fixed = 2e-3, .max_rows = 1});

    // Of 4 requests one needs 0.225 ms and three 2 ms each.
    EXPECT_NEAR(bound(scenario), 4 / 6.225e-3, 1e-6);
}

TEST(Bound, GivesEachModelToTheDevicesThatAreBetterAtIt) {
    Scenario scenario = open_loop();
    scenario.models.push_back({.name = "B", .mix = 1});
    scenario.classes[0].curves = {{.model = 0, .fixed = 1e-3, .max_rows = 1},
                                  {.model = 1, .fixed = 4e-3, .max_rows = 1}};
    scenario.classes.push_back(scenario.classes[0]);
    scenario.classes[1].curves = {{.model = 0, .fixed = 4e-3, .max_rows = 1},
                                  {.model = 1, .fixed = 1e-3, .max_rows = 1}};

    EXPECT_NEAR(bound(scenario), 2000, 1e-6);
}

TEST(Bound, UsesAsManyLanesAsHelp) {
    Scenario scenario = open_loop();
    scenario.classes[0].lanes = 2;
    scenario.classes[0].curves[0] = {.model = 0, .fixed = 1e-3, .per_row = 1e-3, .max_rows = 2};

    scenario.classes[0].curves[0].contention = 0.25;
    EXPECT_NEAR(bound(scenario), 2 * 2 / 3.5e-3, 1e-6);  // two lanes, 1 + 2 × 1.25 ms each
    scenario.classes[0].curves[0].contention = 4;
    EXPECT_NEAR(bound(scenario), 2 / 3e-3, 1e-6);  // one lane: the second would cost more
}

TEST(Bound, KeepsWhatReconfigurableDevicesHold) {
    Scenario scenario = open_loop();
    scenario.models.push_back({.name = "B", .mix = 1});
    scenario.classes[0].devices = 3;
    scenario.classes[0].curves = {{.model = 0, .fixed = 1e-3, .max_rows = 1},
                                  {.model = 1, .fixed = 1e-3, .max_rows = 1}};
    EXPECT_NEAR(bound(scenario), 3000, 1e-6);

    scenario.classes[0].reconfiguration = 1s;
    scenario.classes[0].holds = {0, 0, 1};
    EXPECT_NEAR(bound(scenario), 2000, 1e-6);
}

TEST(Bound, StartsFromTheSpeedAtTheStart) {
    Scenario scenario = open_loop();
    scenario.classes[0].changes = {{0ms, 2}, {100ms, 4}};

    EXPECT_NEAR(bound(scenario), 8 / 3.6e-3, 1e-6);
}

TEST(Bound, OfAFarmIsWhatItsClientsCanAsk) {
    // One client: 2 ms of thinking and 1.1 ms of running.
    EXPECT_NEAR(bound(farm_of(1)), 1 / 3.1e-3, 1e-6);
    // Many: as in an open loop.
    EXPECT_NEAR(bound(farm_of(1000)), 8 / 1.8e-3, 1e-6);
}

TEST(Bound, OfAFarmCountsRounds) {
    Scenario scenario = farm_of(1000);
    scenario.farm->steps = {{2ms, 0}, {1ms, 0}};

    EXPECT_NEAR(bound(scenario), 4 / 1.8e-3, 1e-6);
}

TEST(Bound, OfAnUncrowdedFarmLetsNobodyWait) {
    Scenario scenario = farm_of(4);
    scenario.bound = BoundKind::uncrowded;
    EXPECT_NEAR(bound(scenario), 4 / 3.1e-3, 1e-6);

    scenario.farm->clients = 1000;
    EXPECT_NEAR(bound(scenario), 8 / 1.8e-3, 1e-6);
}

TEST(Bound, InLockstepIsAllClientsInOneBatch) {
    Scenario scenario = farm_of(5);
    scenario.bound = BoundKind::lockstep;

    EXPECT_NEAR(bound(scenario), 5 / 3.5e-3, 1e-6);
}

TEST(Bound, RefusesAScenarioInWhichNothingCanBeInTime) {
    Scenario scenario = open_loop();
    scenario.models[0].objective = 1ms;

    const Result<double> result = bound_of(scenario);

    ASSERT_FALSE(result.ok());
    EXPECT_THAT(result.status().message(), HasSubstr("'open' cannot answer a single request"));
}

TEST(Bound, RefusesAFarmWithoutAnyTime) {
    Scenario scenario = farm_of(1);
    scenario.farm->steps = {{0ms, 0}};
    scenario.classes[0].curves[0] = {.model = 0, .max_rows = 8};

    const Result<double> result = bound_of(scenario);

    ASSERT_FALSE(result.ok());
    EXPECT_THAT(result.status().message(), HasSubstr("no finite optimum"));
}

}  // namespace
}  // namespace bunch::simulation
