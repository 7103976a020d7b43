#include "bench/simulation/rivals/edf.h"

#include "tests/bench/simulation/rivals/stage.h"

namespace bunch::simulation {
namespace {

/// Both models take 1 ms + 1 ms per row.
Stage one_lane(const EdfSettings& settings = {}) {
    Stage stage(make_edf(settings));
    stage.add_model(1);
    stage.add_model(2);
    stage.add_device(1, "gpu", {{1, 1, 1, 8}, {2, 1, 1, 8}});
    stage.begin();
    return stage;
}

TEST(Edf, TakesTheModelWithTheEarliestDeadline) {
    Stage stage = one_lane();

    stage.submit(0ms, 1, {.model = 1, .deadline = at(9ms)});
    stage.submit(1ms, 2, {.model = 2, .deadline = at(8ms)});

    EXPECT_THAT(stage.decide(1ms), ElementsAre("lane 10 model 2: 2"));
}

TEST(Edf, TakesAsManyRowsAsMeetTheEarliestDeadline) {
    Stage stage = one_lane();

    stage.submit(0ms, 1, {.deadline = at(4ms)});
    stage.submit_all(0ms, 2, 6, {.deadline = at(20ms)});

    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 1: 1 2 3"));
    EXPECT_EQ(stage.last_closed_by(), CloseReason::deadline);
}

TEST(Edf, SendsAllThatItMayWhenTheEarliestDeadlineIsLost) {
    Stage stage = one_lane();

    stage.submit(0ms, 1, {.deadline = at(1500us)});
    stage.submit_all(0ms, 2, 10, {.deadline = at(20ms)});

    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 1: 1 2 3 4 5 6 7 8"));
}

TEST(Edf, CanDropWhatNoDeviceFinishesInTime) {
    Stage stage = one_lane({.drop = true});

    stage.submit(0ms, 1, {.deadline = at(1500us)});
    stage.submit(0ms, 2, {.deadline = at(1500us), .late_ok = true});
    stage.submit(0ms, 3, {.deadline = at(20ms)});

    EXPECT_THAT(stage.decide(0ms), ElementsAre("drop 1", "lane 10 model 1: 2 3"));
    EXPECT_EQ(stage.last_reason(), RejectReason::shed);
}

TEST(Edf, KeepsWhatABusyFasterDeviceCouldStillFinish) {
    Stage stage(make_edf({.drop = true}));
    stage.add_model(1);
    stage.add_device(1, "cpu", {{1, 0, 5, 8}});
    stage.add_device(2, "gpu", {{1, 1, 0.1, 8}});
    stage.begin();
    stage.submit(0ms, 1);
    stage.submit(0ms, 2);
    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 1: 1 2"));
    stage.submit(0ms, 3);
    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 20 model 1: 3"));

    stage.submit(0ms, 4, {.deadline = at(3ms)});
    EXPECT_THAT(stage.decide(0ms), IsEmpty());
    stage.done(1100us, 20);

    EXPECT_THAT(stage.decide(1100us), ElementsAre("lane 20 model 1: 4"));
}

TEST(Edf, AnObjectiveStandsInForADeadlineAndNothingComesLast) {
    Stage stage(make_edf({}));
    stage.add_model(1);
    stage.add_model(2, 50ms);
    stage.add_device(1, "gpu", {{1, 1, 1, 8}, {2, 1, 1, 8}});
    stage.begin();

    stage.submit(0ms, 1, {.model = 1});
    stage.submit(9ms, 2, {.model = 2});
    EXPECT_THAT(stage.decide(9ms), ElementsAre("lane 10 model 2: 2"));
    stage.done(11ms, 10);

    EXPECT_THAT(stage.decide(11ms), ElementsAre("lane 10 model 1: 1"));
}

}  // namespace
}  // namespace bunch::simulation
