#include "bench/simulation/rivals/symphony.h"

#include "tests/bench/simulation/rivals/stage.h"

namespace bunch::simulation {
namespace {

/// A batch of either model takes 2 ms + 1 ms per row, at most 8 of them.
Stage one_lane(const SymphonySettings& settings = {}) {
    Stage stage(make_symphony(settings));
    stage.add_model(1, 10ms);
    stage.add_model(2);
    stage.add_device(1, "gpu", {{1, 2, 1, 8}, {2, 2, 1, 8}});
    stage.begin();
    return stage;
}

TEST(Symphony, WaitsUntilNoFurtherRequestCouldJoin) {
    Stage stage = one_lane();

    stage.submit(0ms, 1);
    EXPECT_THAT(stage.decide(0ms), IsEmpty());
    EXPECT_EQ(stage.wakeup(), 6.0);  // 10 - l(2)
    stage.submit(1ms, 2);
    EXPECT_THAT(stage.decide(1ms), IsEmpty());
    EXPECT_EQ(stage.wakeup(), 5.0);  // 10 - l(3)

    EXPECT_THAT(stage.decide(5ms), ElementsAre("lane 10 model 1: 1 2"));
    EXPECT_EQ(stage.last_closed_by(), CloseReason::waited);
}

TEST(Symphony, DoesNotWaitWhenMoreIsThereThanMeetsTheDeadline) {
    Stage stage = one_lane();

    stage.submit_all(0ms, 1, 6, {.model = 2, .deadline = at(6ms)});

    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 2: 1 2 3 4"));
    EXPECT_EQ(stage.last_closed_by(), CloseReason::deadline);
}

TEST(Symphony, AFullBatchDoesNotWait) {
    Stage stage = one_lane();

    stage.submit_all(0ms, 1, 9, {.model = 2, .deadline = at(60ms)});

    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 2: 1 2 3 4 5 6 7 8"));
    EXPECT_EQ(stage.last_closed_by(), CloseReason::limit);
}

TEST(Symphony, AFreedDeviceTakesTheOpenWindowThatClosesFirst) {
    Stage stage = one_lane();
    stage.submit(0ms, 1, {.model = 2, .deadline = at(3ms)});
    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 2: 1"));

    stage.submit(0ms, 2, {.model = 1, .deadline = at(9ms)});             // open 5 to 6 ms
    stage.submit_all(0ms, 3, 5, {.model = 2, .deadline = at(10500us)});  // open 4.5 to 5.5 ms
    stage.done(5ms, 10);

    EXPECT_THAT(stage.decide(5ms), ElementsAre("lane 10 model 2: 3 4 5"));
}

TEST(Symphony, GoesToTheFreeDeviceOfTheLowestNumber) {
    Stage stage(make_symphony({}));
    stage.add_model(1);
    for (std::uint32_t device = 1; device <= 2; ++device)
        stage.add_device(device, "gpu", {{1, 2, 1, 1}});
    stage.begin();
    stage.submit_all(0ms, 1, 2);
    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 1: 1", "lane 20 model 1: 2"));
    stage.done(3ms, 20);
    stage.done(4ms, 10);

    stage.submit(4ms, 3);

    EXPECT_THAT(stage.decide(4ms), ElementsAre("lane 10 model 1: 3"));
}

TEST(Symphony, DropsWhatCannotBeServedInTime) {
    Stage stage = one_lane();

    stage.submit(0ms, 1, {.deadline = at(2500us)});
    stage.submit(0ms, 2, {.deadline = at(4ms)});

    EXPECT_THAT(stage.decide(0ms), ElementsAre("drop 1", "lane 10 model 1: 2"));
    EXPECT_EQ(stage.last_reason(), RejectReason::shed);
}

TEST(Symphony, EarlyDropSlidesTheBatchToTheSizeThatTheObjectiveAllows) {
    // l(b) (1 + 1/1) <= 10 ms: b = 3, which takes 5 ms.
    Stage stage = one_lane({.early_drop = true});

    stage.submit(0ms, 1, {.deadline = at(4500us)});
    stage.submit(0ms, 2, {.deadline = at(4600us)});
    stage.submit_all(0ms, 3, 5, {.deadline = at(5500us)});
    EXPECT_THAT(stage.decide(0ms), ElementsAre("drop 1", "drop 2", "lane 10 model 1: 3 4 5"));

    stage.done(5ms, 10);
    stage.submit(5ms, 6, {.deadline = at(9500us)});
    stage.submit(5ms, 7, {.deadline = at(9600us)});
    EXPECT_THAT(stage.decide(5ms), ElementsAre("lane 10 model 1: 6 7"));  // no three wait
}

TEST(Symphony, SendsWhatMayBeLateAtOnceWhenItIsLate) {
    Stage stage = one_lane();
    stage.submit(0ms, 1, {.deadline = at(4ms)});
    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 1: 1"));
    stage.submit(0ms, 2);  // only an objective, 10 ms
    stage.submit(4ms, 3);

    stage.done(9ms, 10);

    EXPECT_THAT(stage.decide(9ms), ElementsAre("lane 10 model 1: 2 3"));
}

TEST(Symphony, SendsAtOnceWhatHasNeitherDeadlineNorObjective) {
    Stage stage = one_lane();

    stage.submit(0ms, 1, {.model = 2});

    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 2: 1"));
}

/// The GPU (1 ms + 0.1 ms per row) has more capacity than the CPU (4 ms per row).
Stage mixed_pool(bool per_class) {
    Stage stage(make_symphony({.per_class = per_class}));
    stage.add_model(1, 10ms);
    stage.add_device(1, "cpu", {{1, 0, 4, 8}});
    stage.add_device(2, "gpu", {{1, 1, 0.1, 64}});
    stage.begin();
    stage.submit_all(0ms, 1, 2);
    return stage;
}

TEST(Symphony, WithOneProfileItTakesEveryDeviceForTheMainOne) {
    Stage stage = mixed_pool(false);

    EXPECT_THAT(stage.decide(2ms), IsEmpty());
    EXPECT_EQ(stage.wakeup(), 8.7);  // 10 - (1 + 0.3), and the CPU's lane has the lowest number
    EXPECT_THAT(stage.decide(8700us), ElementsAre("lane 10 model 1: 1 2"));
}

TEST(Symphony, WithAProfilePerClassEachClassHasItsWindow) {
    Stage stage = mixed_pool(true);

    // Two rows on the CPU take 8 ms, a third would take 12: its window is from -2 to 2 ms.
    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 1: 1 2"));
    stage.submit(0ms, 3);
    EXPECT_THAT(stage.decide(0ms), IsEmpty());
    EXPECT_EQ(stage.wakeup(), 8.8);  // 10 - (1 + 0.2)
    EXPECT_THAT(stage.decide(8800us), ElementsAre("lane 20 model 1: 3"));
}

}  // namespace
}  // namespace bunch::simulation
