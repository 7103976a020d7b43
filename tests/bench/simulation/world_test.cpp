#include "bench/simulation/world.h"

#include "tests/bench/simulation/small_world.h"

namespace bunch::simulation {
namespace {

using Note = FirstCome::Note;

TEST(SimulatedLane, RunsABatchAsLongAsItsCurveSays) {
    FirstCome policy;

    const RunResult result = run_world(farm_of(3), policy, {});

    // Ask at 2 ms, run 1 + 3 × 0.1 ms, think 2 ms, and so on.
    EXPECT_THAT(policy.asked, ElementsAre(2ms, 2ms, 2ms, 5300us, 5300us, 5300us, 8600us, 8600us,
                                          8600us, 11900us, 11900us, 11900us, 15200us, 15200us,
                                          15200us, 18500us, 18500us, 18500us));
    EXPECT_THAT(policy.started, ElementsAre(Note{2ms, 3}, Note{5300us, 3}, Note{8600us, 3},
                                            Note{11900us, 3}, Note{15200us, 3}, Note{18500us, 3}));
    EXPECT_EQ(policy.done.front(), (Note{3300us, 3}));
    EXPECT_EQ(policy.reports.front().compute, 1300us);
    EXPECT_DOUBLE_EQ(result.events_per_second, 18 / 20e-3);
}

TEST(SimulatedLane, CountsItsDutyAndWhatOfItWasUseful) {
    FirstCome policy;

    const RunResult result = run_world(farm_of(3), policy, {});

    // Six runs of 1.3 ms in 20 ms; a full batch of 8 would need 0.225 ms per row.
    ASSERT_EQ(result.classes.size(), 1u);
    EXPECT_NEAR(result.classes[0].duty, 6 * 1.3 / 20, 1e-9);
    EXPECT_NEAR(result.classes[0].useful_duty, 6 * 3 * 0.225 / 20, 1e-9);
    EXPECT_EQ(result.classes[0].rows, 18u);
}

TEST(SimulatedDevice, SlowsALaneByThoseThatAreBusyWhenItStarts) {
    Scenario scenario = farm_of(2);
    scenario.span = 4ms;
    scenario.classes[0].lanes = 2;
    scenario.classes[0].curves[0].max_rows = 1;
    scenario.classes[0].curves[0].contention = 0.5;
    FirstCome policy;

    run_world(scenario, policy, {});

    EXPECT_THAT(policy.done, ElementsAre(Note{2ms + 1100us, 1}, Note{2ms + 1150us, 1}));
}

TEST(SimulatedLane, GathersAndTransfersTheNextBatchWhileOneRuns) {
    Scenario scenario = farm_of(4);
    scenario.span = 3ms;
    scenario.classes[0].slots = 2;
    scenario.classes[0].curves[0].max_rows = 2;
    scenario.classes[0].gather_per_row = 100us;
    scenario.classes[0].transfer_per_row = 300us;
    FirstCome policy;

    run_world(scenario, policy, {});

    // First batch: gather until 2.2, transfer until 2.8, run until 4.0. Second: gather until 2.4,
    // transfer from 2.8 until 3.4, and then it waits for the lane.
    EXPECT_THAT(policy.started, ElementsAre(Note{2800us, 2}, Note{4ms, 2}));
    EXPECT_THAT(policy.done, ElementsAre(Note{4ms, 2}, Note{5200us, 2}));
    EXPECT_EQ(policy.reports[1].gather, 200us);
    EXPECT_EQ(policy.reports[1].transfer, 600us);
    EXPECT_EQ(policy.reports[1].compute, 1200us);
}

TEST(SimulatedLane, WaitsForABatchThatIsNotTransferredYet) {
    Scenario scenario = farm_of(2);
    scenario.span = 3ms;
    scenario.classes[0].slots = 2;
    scenario.classes[0].curves[0].max_rows = 1;
    scenario.classes[0].transfer_per_row = 2ms;
    FirstCome policy;

    run_world(scenario, policy, {});

    EXPECT_THAT(policy.started, ElementsAre(Note{4ms, 1}, Note{6ms, 1}));
}

TEST(SimulatedDevice, ChangesItsSpeedWhenTheScenarioSaysSo) {
    Scenario scenario = farm_of(1);
    scenario.span = 9ms;
    scenario.classes[0].changes = {{3ms, 2}, {6ms, 3}};
    FirstCome policy;

    run_world(scenario, policy, {});

    // Asked at 2, 5.1 and 9.3 ms; the last is after the end.
    EXPECT_THAT(policy.done, ElementsAre(Note{3100us, 1}, Note{7300us, 1}));
}

TEST(SimulatedDevice, StallsAsOftenAsTheScenarioSays) {
    Scenario scenario = farm_of(1);
    scenario.span = 3ms;
    scenario.classes[0].stall_probability = 1;
    scenario.classes[0].stall_time = 7ms;
    FirstCome policy;

    run_world(scenario, policy, {});

    EXPECT_THAT(policy.done, ElementsAre(Note{10100us, 1}));
}

TEST(SimulatedDevice, LosesItsBatchesAndComesBackWithOtherLanes) {
    Scenario scenario = farm_of(1);
    scenario.span = 4ms;
    scenario.classes[0].outages = {{0, 2500us, 6ms}};
    FirstCome policy;

    const RunResult result = run_world(scenario, policy, {});

    EXPECT_THAT(policy.lost, ElementsAre(2500us));
    EXPECT_THAT(policy.started, ElementsAre(Note{2ms, 1}, Note{6ms, 1}));
    EXPECT_THAT(policy.done, ElementsAre(Note{7100us, 1}));
    EXPECT_EQ(result.all().in_objective, 1u);
}

TEST(SimulatedDevice, FailsAtRandomTimesAndIsRepaired) {
    Scenario scenario = farm_of(4);
    scenario.span = 1s;
    scenario.classes[0].mean_time_between_failures = 50ms;
    scenario.classes[0].repair_time = 5ms;
    FirstCome policy;

    const RunResult result = run_world(scenario, policy, {});

    EXPECT_GT(policy.lost.size(), 8u);
    EXPECT_LT(policy.lost.size(), 35u);
    EXPECT_EQ(result.all().offered, result.all().in_objective);
}

/// Asks for model B to be loaded when it first decides.
class Swapping final : public FirstCome {
  public:
    void decide(TimePoint at, std::vector<Decision>& out) override {
        if (!std::exchange(has_asked_, true)) {
            out.emplace_back(Load{ModelId{1}, DeviceId{0}});
        } else {
            if (!has_swapped()) return;
            FirstCome::decide(at, out);
        }
    }

  private:
    bool has_swapped() const { return told.size() > 2; }
    bool has_asked_ = false;
};

TEST(SimulatedDevice, HoldsAnotherModelOnceItIsReconfigured) {
    Scenario scenario = farm_of(1);
    scenario.span = 3ms;
    scenario.models.push_back({.name = "B"});
    scenario.classes[0].curves.push_back({.model = 1, .fixed = 3e-3, .max_rows = 8});
    scenario.classes[0].reconfiguration = 10ms;
    scenario.classes[0].holds = {0};
    scenario.farm->steps = {{2ms, 1}};
    Swapping policy;

    const RunResult result = run_world(scenario, policy, {});

    ASSERT_EQ(policy.told.size(), 4u);
    EXPECT_EQ(policy.told[0].second.state, InstanceState::ready);
    EXPECT_EQ(policy.told[1].second.state, InstanceState::loadable);
    EXPECT_EQ(policy.told[1].second.load_time, 10ms);
    EXPECT_EQ(policy.told[2].first, 10ms);
    EXPECT_EQ(policy.told[2].second.state, InstanceState::loadable);
    EXPECT_EQ(policy.told[3].second.state, InstanceState::ready);
    EXPECT_THAT(policy.done, ElementsAre(Note{13ms, 1}));
    EXPECT_EQ(result.swaps(), 1u);
}

TEST(World, GivesARequestItsObjectiveAsDeadlineAndCountsAnswersAfterItAsLate) {
    Scenario scenario = farm_of(2);
    scenario.span = 3ms;
    scenario.models[0].objective = 1100us;
    scenario.classes[0].curves[0].max_rows = 1;
    FirstCome policy;

    const RunResult result = run_world(scenario, policy, {});

    EXPECT_EQ(policy.tickets[0].deadline - policy.tickets[1].deadline, 0ns);
    EXPECT_EQ(*policy.config().models[0].objective, 1100us);
    // In time to the nanosecond, and one run later.
    EXPECT_EQ(result.models[0].ends.in_objective, 1u);
    EXPECT_EQ(result.models[0].ends.late, 1u);
    EXPECT_EQ(result.models[0].latencies.longest(), 2200us);
}

TEST(World, TakesObjectivesAsWishesWhereRequestsHaveNoDeadlines) {
    Scenario scenario = farm_of(2);
    scenario.span = 3ms;
    scenario.deadlines = false;
    scenario.models[0].objective = 1us;
    FirstCome policy;

    const RunResult result = run_world(scenario, policy, {});

    EXPECT_EQ(policy.tickets[0].deadline, kNever);
    EXPECT_EQ(result.models[0].ends.in_objective, 2u);
}

TEST(World, NamesTheClientsOfAFarmAndNoOthers) {
    FirstCome farm;
    FirstCome open;

    run_world(farm_of(2), farm, {});
    run_world(open_loop(), open, {.rate = 100});

    EXPECT_NE(farm.tickets[0].client, ClientId{});
    EXPECT_NE(farm.tickets[0].client, farm.tickets[1].client);
    EXPECT_EQ(open.tickets[0].client, ClientId{});
}

/// Rejects every second request.
class Refusing final : public FirstCome {
  public:
    void decide(TimePoint at, std::vector<Decision>& out) override {
        for (auto& [model, queue] : queues_)
            while (!queue.empty() && ++seen_ % 2 == 0) {
                out.emplace_back(Reject{queue.back().call, unavailable("no"), RejectReason::shed});
                queue.pop_back();
            }
        FirstCome::decide(at, out);
    }

  private:
    std::uint64_t seen_ = 0;
};

TEST(World, LetsAClientGoOnAfterARejection) {
    Scenario scenario = farm_of(1);
    scenario.farm->steps = {{2ms, 0}, {2ms, 0}};
    Refusing policy;

    const RunResult result = run_world(scenario, policy, {});

    // Every second request is refused, and with it its round of two: asked at 2, 5.1, 7.1, ...
    EXPECT_THAT(policy.asked, ElementsAre(2ms, 5100us, 7100us, 10200us, 12200us, 15300us, 17300us));
    EXPECT_EQ(result.events_per_second, 0);
    EXPECT_EQ(result.models[0].ends.rejected[static_cast<std::size_t>(RejectReason::shed)], 3u);
}

TEST(World, MeasuresOnlyWhatArrivesAfterTheWarmUp) {
    Scenario scenario = farm_of(1);
    scenario.warm_up = 0.5;
    FirstCome policy;

    const RunResult result = run_world(scenario, policy, {});

    EXPECT_EQ(result.requests, 6u);
    EXPECT_EQ(result.all().offered, 3u);  // at 11.3, 14.4 and 17.5 ms
    EXPECT_DOUBLE_EQ(result.seconds, 10e-3);
}

TEST(World, TellsPoliciesTheTrueCurves) {
    Scenario scenario = farm_of(1);
    scenario.classes[0].curves[0].contention = 0.5;
    FirstCome policy;

    run_world(scenario, policy, {});

    ASSERT_EQ(policy.profiles().size(), 1u);
    EXPECT_EQ(policy.profiles()[0].device_class, "device");
    EXPECT_DOUBLE_EQ(policy.profiles()[0].fixed, 1e-3);
    EXPECT_DOUBLE_EQ(policy.profiles()[0].per_row_contended, 5e-5);
    EXPECT_EQ(policy.profiles()[0].max_batch_rows, 8u);
}

TEST(World, LetsEveryModelAndTenantAskAtItsPartOfTheRate) {
    Scenario scenario = open_loop();
    scenario.span = 10s;
    scenario.models.push_back({.name = "B", .mix = 3});
    scenario.classes[0].curves.push_back({.model = 1, .per_row = 1e-6, .max_rows = 8});
    scenario.tenants = {{.name = "one", .load = 0.5}, {.name = "two", .weight = 2, .load = 2}};
    FirstCome policy;

    const RunResult result = run_world(scenario, policy, {.rate = 400, .seed = 3});

    // 8 s × 400/s × (0.5 + 2) × parts; four deviations of a Poisson number are allowed.
    EXPECT_NEAR(static_cast<double>(result.models[0].ends.offered), 2000, 180);
    EXPECT_NEAR(static_cast<double>(result.models[1].ends.offered), 6000, 310);
    EXPECT_NEAR(static_cast<double>(result.tenants[0].ends.offered), 1600, 160);
    EXPECT_NEAR(static_cast<double>(result.tenants[1].ends.offered), 6400, 320);
    EXPECT_EQ(policy.config().tenants[1].weight, 2);
}

TEST(World, EndsTheProcessWhenAPolicyRunsARequestTwice) {
    class Twice final : public FirstCome {
        void decide(TimePoint at, std::vector<Decision>& out) override {
            for (auto& [model, queue] : queues_)
                if (!queue.empty()) queue.push_back(queue.front());
            FirstCome::decide(at, out);
        }
    };
    Twice policy;

    EXPECT_DEATH(run_world(farm_of(1), policy, {}), "rows_on_lanes");
}

TEST(World, EndsTheProcessWhenAPolicyOverfillsALane) {
    class Overfilling final : public FirstCome {
        void device_up(TimePoint at, const DeviceInfo& device) override {
            DeviceInfo more = device;
            more.slots_per_lane = 2;
            FirstCome::device_up(at, more);
        }
    };
    Scenario scenario = farm_of(2);
    scenario.classes[0].curves[0].max_rows = 1;
    Overfilling policy;

    EXPECT_DEATH(run_world(scenario, policy, {}), "slots");
}

}  // namespace
}  // namespace bunch::simulation
