// What all rivals have in common, shown on greedy.
#include "bench/simulation/rivals/pool.h"

#include "bench/simulation/rivals/greedy.h"
#include "tests/bench/simulation/rivals/stage.h"

namespace bunch::simulation {
namespace {

Stage one_lane(std::uint32_t limit, std::uint32_t slots = 1, const PoolSettings& settings = {}) {
    Stage stage(make_greedy({}), settings);
    stage.add_model(1);
    stage.add_device(1, "gpu", {{1, 1, 0.1, limit}}, 1, slots);
    stage.begin();
    return stage;
}

TEST(RivalPool, KeepsRequestsWhole) {
    Stage stage = one_lane(8);

    stage.submit_all(0ms, 1, 3, {.rows = 3});

    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 1: 1[0..2] 2[0..2]"));
    stage.done(2ms, 10);
    EXPECT_THAT(stage.decide(2ms), ElementsAre("lane 10 model 1: 3[0..2]"));
}

TEST(RivalPool, CutsARequestThatIsLargerThanAnyBatch) {
    Stage stage = one_lane(4);

    stage.submit(0ms, 1, {.rows = 10});
    stage.submit(0ms, 2);

    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 1: 1[0..3]"));
    stage.done(1ms, 10);
    EXPECT_THAT(stage.decide(1ms), ElementsAre("lane 10 model 1: 1[4..7]"));
    stage.done(2ms, 10);
    EXPECT_THAT(stage.decide(2ms), ElementsAre("lane 10 model 1: 1[8..9] 2"));
}

TEST(RivalPool, UsesAsManySlotsOfALaneAsAllowed) {
    Stage one = one_lane(1, 2);
    Stage two = one_lane(1, 2, {.slots = 3});
    for (Stage* stage : {&one, &two}) stage->submit_all(0ms, 1, 3);

    EXPECT_THAT(one.decide(0ms), ElementsAre("lane 10 model 1: 1"));
    EXPECT_THAT(two.decide(0ms), ElementsAre("lane 10 model 1: 1", "lane 10 model 1: 2"));
}

TEST(RivalPool, QueuesAgainWhatALostDeviceHadWhereItStood) {
    Stage stage = one_lane(2);
    stage.submit_all(0ms, 1, 3);
    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 1: 1 2"));

    stage.device_lost(1ms, 1);
    stage.submit(1ms, 4);
    EXPECT_THAT(stage.decide(1ms), IsEmpty());
    stage.device_up(2ms, 1);

    EXPECT_THAT(stage.decide(2ms), ElementsAre("lane 10 model 1: 1 2"));
    stage.done(3ms, 10);
    EXPECT_THAT(stage.decide(3ms), ElementsAre("lane 10 model 1: 3 4"));
}

TEST(RivalPool, LeavesADeviceAloneOnWhichARequestCannotMeetItsObjective) {
    Stage stage(make_greedy({}));
    stage.add_model(1, 10ms);
    stage.add_device(1, "cpu", {{1, 0, 3, 8}});
    stage.add_device(2, "gpu", {{1, 2, 1, 8}});
    stage.add_model(2, 10ms);
    stage.add_device(3, "other", {{2, 1, 1, 8}});
    stage.begin();

    stage.submit(0ms, 1, {.rows = 3});
    stage.submit(0ms, 2, {.rows = 4});
    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 1: 1[0..2] 2[0..3]"));
    stage.submit(0ms, 3, {.rows = 4});
    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 20 model 1: 3[0..3]"));
    stage.done(1ms, 10);
    stage.submit(1ms, 4, {.rows = 4});  // 12 ms on the CPU
    EXPECT_THAT(stage.decide(1ms), IsEmpty());
    stage.done(6ms, 20);
    EXPECT_THAT(stage.decide(6ms), ElementsAre("lane 20 model 1: 4[0..3]"));
    stage.submit(6ms, 5, {.rows = 9});  // too slow everywhere: then anywhere
    EXPECT_THAT(stage.decide(6ms), ElementsAre("lane 10 model 1: 5[0..7]"));
}

TEST(RivalPool, ForgetsTheRestOfACallWhoseBatchFailed) {
    Stage stage = one_lane(4);
    stage.submit(0ms, 1, {.rows = 6});
    stage.submit(0ms, 2);
    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 1: 1[0..3]"));

    stage.done(1ms, 10, StatusCode::internal);

    EXPECT_THAT(stage.decide(1ms), ElementsAre("lane 10 model 1: 2"));
}

TEST(RivalPool, RefusesUnknownModelsImpossibleRowsAndMoreThanTheQueueHolds) {
    Stage stage = one_lane(4);

    stage.submit(0ms, 1, {.model = 9});
    stage.submit(0ms, 2, {.rows = 0});
    stage.submit(0ms, 3, {.rows = 17});
    EXPECT_EQ(stage.wakeup(), 0.0);
    EXPECT_THAT(stage.decide(0ms), ElementsAre("drop 1", "drop 2", "drop 3"));
    EXPECT_EQ(stage.last_reason(), RejectReason::invalid);

    stage.submit(0ms, 4, {.rows = 16});
    stage.submit(0ms, 5, {.rows = 5});
    EXPECT_THAT(stage.decide(0ms), ElementsAre("drop 5", "lane 10 model 1: 4[0..3]"));
    EXPECT_EQ(stage.last_reason(), RejectReason::bound);
}

TEST(RivalPool, IgnoresBatchesAndDevicesThatItDoesNotKnow) {
    Stage stage = one_lane(1);
    stage.submit_all(0ms, 1, 2);
    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 1: 1"));
    stage.device_lost(1ms, 1);

    stage.device_lost(1ms, 7);
    for (std::uint64_t batch = 0; batch < 3; ++batch)
        stage.policy().batch_done(at(1ms), BatchId{batch}, {});
    stage.device_up(1ms, 1);

    EXPECT_THAT(stage.decide(1ms), ElementsAre("lane 10 model 1: 1"));
}

TEST(RivalPool, TakesOneCallPerBatchOfAModelWithoutBatches) {
    Stage stage(make_greedy({}));
    stage.add_model(1, {}, false);
    stage.add_device(1, "gpu", {{1, 1, 1, 8}});
    stage.begin();

    stage.submit_all(0ms, 1, 2);

    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 1: 1"));
}

TEST(RivalPool, KnowsInstancesThatWereAnnouncedBeforeTheirDevice) {
    const auto rival = make_rival({}, make_greedy({}));
    ModelPolicy policy;
    policy.model = ModelId{1};
    SchedulerConfig config;
    config.models.push_back(policy);
    rival->configure(at(0ms), config);
    rival->instance_up(at(0ms), {InstanceId{1}, ModelId{1}, DeviceId{1}, 4});
    rival->instance_up(at(0ms), {InstanceId{2}, ModelId{9}, DeviceId{1}, 4});
    rival->device_up(at(0ms), {DeviceId{1}, "gpu", {LaneId{1}}, 1});
    Ticket ticket;
    ticket.model = ModelId{1};
    rival->submit(at(0ms), ticket);

    std::vector<Decision> decisions;
    rival->decide(at(0ms), decisions);

    ASSERT_EQ(decisions.size(), 1u);
    EXPECT_EQ(std::get<Dispatch>(decisions[0]).batch.instance, InstanceId{1});
}

TEST(RivalPool, EstimatesRunTimesWithContentionAndMargin) {
    Pool pool({.contention = 0.5, .margin = 1});
    pool.know({{ModelId{1}, "gpu", 0.001, 0.0001, 0.00008, 16}});
    ModelPolicy policy;
    policy.model = ModelId{1};
    SchedulerConfig config;
    config.models.push_back(policy);
    pool.configure(at(0ms), config);
    pool.device_up(at(0ms), {DeviceId{1}, "gpu", {LaneId{1}, LaneId{2}}, 1});
    pool.instance_up(at(0ms), {InstanceId{1}, ModelId{1}, DeviceId{1}, 16});

    // 2 × (1 + 10 × (0.1 + 0.5 × 0.08)) ms
    EXPECT_EQ(pool.run(0, 0, 10), 4800us);
    EXPECT_EQ(pool.rows_within(0, 0, 4800us, 16), 10u);
    EXPECT_EQ(pool.rows_within(0, 0, 4799us, 16), 9u);
    EXPECT_EQ(pool.rows_within(0, 0, 1999us, 16), 0u);
    EXPECT_EQ(pool.rows_within(0, 0, 1s, 16), 16u);
}

}  // namespace
}  // namespace bunch::simulation
