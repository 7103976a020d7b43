#include "bench/simulation/rivals/triton.h"

#include "tests/bench/simulation/rivals/stage.h"

namespace bunch::simulation {
namespace {

Stage one_lane(const TritonSettings& settings, std::uint32_t limit = 8) {
    Stage stage(make_triton(settings));
    stage.add_model(1);
    stage.add_device(1, "gpu", {{1, 1, 0.1, limit}});
    stage.begin();
    return stage;
}

TEST(Triton, WithoutDelaySendsWhatWaits) {
    Stage stage = one_lane({});

    stage.submit_all(0ms, 1, 3);

    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 1: 1 2 3"));
    EXPECT_EQ(stage.wakeup(), std::nullopt);
}

TEST(Triton, WaitsForAFullBatchAsLongAsTheDelay) {
    Stage stage = one_lane({.delay = 2ms});

    stage.submit_all(0ms, 1, 3);
    EXPECT_THAT(stage.decide(0ms), IsEmpty());
    EXPECT_EQ(stage.wakeup(), 2.0);
    stage.submit(1ms, 4);
    EXPECT_THAT(stage.decide(1ms), IsEmpty());
    EXPECT_EQ(stage.wakeup(), 2.0);

    EXPECT_THAT(stage.decide(2ms), ElementsAre("lane 10 model 1: 1 2 3 4"));
    EXPECT_EQ(stage.last_closed_by(), CloseReason::waited);
}

TEST(Triton, AFullBatchDoesNotWait) {
    Stage stage = one_lane({.delay = 2ms});

    stage.submit_all(0ms, 1, 9);

    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 1: 1 2 3 4 5 6 7 8"));
}

TEST(Triton, SendsAPreferredSizeAtOnceAndTheMaximumOnlyAfterTheDelay) {
    Stage stage = one_lane({.delay = 2ms, .preferred = 0.5});

    stage.submit_all(0ms, 1, 6);
    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 1: 1 2 3 4"));
    EXPECT_EQ(stage.last_closed_by(), CloseReason::share);
    stage.done(1ms, 10);
    EXPECT_THAT(stage.decide(1ms), IsEmpty());  // two are no preferred size, and have time
    stage.submit_all(3ms, 7, 12);
    EXPECT_THAT(stage.decide(3ms), ElementsAre("lane 10 model 1: 5 6 7 8 9 10 11 12"));
}

TEST(Triton, APreferredSizeThatCannotBeHitIsNotOverstepped) {
    Stage stage = one_lane({.delay = 2ms, .preferred = 0.5});

    stage.submit_all(0ms, 1, 2, {.rows = 3});

    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 1: 1[0..2]"));
}

TEST(Triton, RejectsWhatHasTimedOutInTheQueueButForeseesNothing) {
    Stage stage = one_lane({.delay = 10ms});

    stage.submit(0ms, 1, {.deadline = at(3ms)});
    stage.submit(0ms, 2, {.deadline = at(10500us)});
    stage.submit(0ms, 3, {.deadline = at(4ms), .late_ok = true});
    EXPECT_THAT(stage.decide(2ms), IsEmpty());
    EXPECT_THAT(stage.decide(3ms), ElementsAre("drop 1"));
    EXPECT_EQ(stage.last_reason(), RejectReason::expired);

    // 0.5 ms are not enough for any run, and call 3 is late already; both are sent.
    EXPECT_THAT(stage.decide(10ms), ElementsAre("lane 10 model 1: 2 3"));
}

/// Calls 1 to 6 of model 1, then 11 to 16 of model 2, on a device that takes two rows at a time.
Stage two_models(const TritonSettings& settings) {
    Stage stage(make_triton(settings));
    stage.add_model(1);
    stage.add_model(2);
    stage.add_device(1, "gpu", {{1, 1, 0.1, 2}, {2, 1, 0.1, 2}});
    stage.begin();
    stage.submit_all(0ms, 1, 6);
    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 1: 1 2"));
    stage.submit_all(1ms, 11, 16, {.model = 2});
    stage.done(1ms, 10);
    return stage;
}

TEST(Triton, TheBatchWithTheOldestRequestGoesFirst) {
    Stage stage = two_models({});

    EXPECT_THAT(stage.decide(1ms), ElementsAre("lane 10 model 1: 3 4"));
    stage.done(2ms, 10);
    EXPECT_THAT(stage.decide(2ms), ElementsAre("lane 10 model 1: 5 6"));
}

TEST(Triton, WithTheRateLimiterTheInstanceThatHasExecutedLeastGoesFirst) {
    Stage stage = two_models({.rate_limiter = true});

    EXPECT_THAT(stage.decide(1ms), ElementsAre("lane 10 model 2: 11 12"));
    stage.done(2ms, 10);
    EXPECT_THAT(stage.decide(2ms), ElementsAre("lane 10 model 1: 3 4"));
    stage.done(3ms, 10);
    EXPECT_THAT(stage.decide(3ms), ElementsAre("lane 10 model 2: 13 14"));
}

TEST(Triton, ACapIsAMaximumByWhatTheDeviceRunsInAPartOfTheObjective) {
    Stage stage(make_triton({.delay = 2ms, .cap = 0.5}));
    stage.add_model(1, 10ms);
    stage.add_device(1, "cpu", {{1, 1, 1, 16}});
    stage.begin();

    stage.submit_all(0ms, 1, 6);

    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 1: 1 2 3 4"));
}

TEST(Triton, ADeviceWithASmallerMaximumFillsItsOwn) {
    Stage stage(make_triton({.delay = 5ms}));
    stage.add_model(1);
    stage.add_device(1, "gpu", {{1, 1, 0.1, 8}});
    stage.add_device(2, "fpga", {{1, 0, 0.1, 1}});
    stage.begin();

    stage.submit_all(0ms, 1, 3);

    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 20 model 1: 1"));
    EXPECT_EQ(stage.wakeup(), 5.0);
}

}  // namespace
}  // namespace bunch::simulation
