#include "bench/simulation/rivals/clockwork.h"

#include "tests/bench/simulation/rivals/stage.h"

namespace bunch::simulation {
namespace {

/// A batch of either model takes 2 ms + 1 ms per row, at most 8 of them.
Stage one_lane() {
    Stage stage(make_clockwork());
    stage.add_model(1);
    stage.add_model(2);
    stage.add_device(1, "gpu", {{1, 2, 1, 8}, {2, 2, 1, 8}});
    stage.begin();
    return stage;
}

TEST(Clockwork, RunsTheLargestSupportedSizeForWhichThereAreRequests) {
    Stage stage = one_lane();

    stage.submit_all(0ms, 1, 7, {.deadline = at(50ms)});

    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 1: 1 2 3 4"));
    stage.done(6ms, 10);
    EXPECT_THAT(stage.decide(6ms), ElementsAre("lane 10 model 1: 5 6"));
    stage.done(10ms, 10);
    EXPECT_THAT(stage.decide(10ms), ElementsAre("lane 10 model 1: 7"));
}

TEST(Clockwork, TakesTheStrategyThatHasToStartFirst) {
    Stage stage = one_lane();

    // Model 1 has to start by 12 - 3 = 9 ms, model 2 by 14 - (2 + 4) = 8 ms with four rows.
    stage.submit(0ms, 1, {.model = 1, .deadline = at(12ms)});
    stage.submit_all(0ms, 2, 5, {.model = 2, .deadline = at(14ms)});

    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 2: 2 3 4 5"));
}

TEST(Clockwork, RunsASmallerSizeWhenTheLargerWouldEndTooLate) {
    Stage stage = one_lane();

    // Four would end at 6 ms.
    stage.submit_all(0ms, 1, 4, {.deadline = at(5ms)});

    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 1: 1 2"));
}

TEST(Clockwork, RequestsOlderThanTheBatchAreNotServedAnyMore) {
    Stage stage = one_lane();

    stage.submit(0ms, 1, {.deadline = at(5ms)});
    stage.submit_all(0ms, 2, 5, {.deadline = at(7ms)});

    EXPECT_THAT(stage.decide(0ms), ElementsAre("drop 1", "lane 10 model 1: 2 3 4 5"));
    EXPECT_EQ(stage.last_reason(), RejectReason::shed);
}

TEST(Clockwork, DropsWhatNotEvenABatchOfOneCanServe) {
    Stage stage = one_lane();

    stage.submit(0ms, 1, {.deadline = at(2500us)});
    EXPECT_THAT(stage.decide(0ms), ElementsAre("drop 1"));
    stage.submit(0ms, 2, {.deadline = at(2500us), .late_ok = true});
    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 1: 2"));
}

TEST(Clockwork, LeavesToABusyDeviceWhatOnlyThatCanServeInTime) {
    Stage stage(make_clockwork());
    stage.add_model(1);
    stage.add_device(1, "gpu", {{1, 1, 1, 8}});
    stage.add_device(2, "cpu", {{1, 0, 9, 8}});
    stage.begin();
    stage.submit(0ms, 1, {.deadline = at(5ms)});
    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 1: 1"));

    stage.submit(1ms, 2, {.deadline = at(6ms)});
    EXPECT_THAT(stage.decide(1ms), IsEmpty());
    stage.done(2ms, 10);

    EXPECT_THAT(stage.decide(2ms), ElementsAre("lane 10 model 1: 2"));
}

TEST(Clockwork, CountsSizesInRequestsOfSeveralRows) {
    Stage stage = one_lane();

    stage.submit_all(0ms, 1, 3, {.rows = 3, .deadline = at(50ms)});

    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 1: 1[0..2] 2[0..2]"));
}

TEST(Clockwork, ARequestWithoutDeadlineHasTenSeconds) {
    Stage stage = one_lane();

    stage.submit(0ms, 1, {.model = 1});
    stage.submit(0ms, 2, {.model = 2, .deadline = at(9s)});
    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 2: 2"));
    stage.done(3ms, 10);
    stage.submit(3ms, 3, {.model = 2, .deadline = at(11s)});

    EXPECT_THAT(stage.decide(3ms), ElementsAre("lane 10 model 1: 1"));
}

}  // namespace
}  // namespace bunch::simulation
