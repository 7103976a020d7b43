#include "bench/simulation/rivals/greedy.h"

#include "tests/bench/simulation/rivals/stage.h"

namespace bunch::simulation {
namespace {

TEST(Greedy, SendsAtOnceAllThatWaitsUpToTheLimit) {
    Stage stage(make_greedy({}));
    stage.add_model(1);
    stage.add_device(1, "gpu", {{1, 1, 0.1, 4}});
    stage.begin();

    stage.submit(0ms, 1);
    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 1: 1"));
    stage.submit_all(0ms, 2, 7);
    EXPECT_THAT(stage.decide(0ms), IsEmpty());
    stage.done(1ms, 10);
    EXPECT_THAT(stage.decide(1ms), ElementsAre("lane 10 model 1: 2 3 4 5"));
    EXPECT_EQ(stage.last_closed_by(), CloseReason::limit);
    stage.done(3ms, 10);
    EXPECT_THAT(stage.decide(3ms), ElementsAre("lane 10 model 1: 6 7"));
    EXPECT_EQ(stage.last_closed_by(), CloseReason::queue);
}

TEST(Greedy, TakesTheModelThatHasWaitedLongestAmongThoseThatTheLaneHas) {
    Stage stage(make_greedy({}));
    for (std::uint32_t model = 1; model <= 3; ++model) stage.add_model(model);
    stage.add_device(1, "gpu", {{1, 1, 0.1, 8}, {2, 1, 0.1, 8}});
    stage.begin();

    stage.submit(0ms, 1, {.model = 3});
    stage.submit(1ms, 2, {.model = 2});
    stage.submit(2ms, 3, {.model = 1});
    stage.submit(3ms, 4, {.model = 2});

    EXPECT_THAT(stage.decide(3ms), ElementsAre("lane 10 model 2: 2 4"));
    stage.done(4ms, 10);
    EXPECT_THAT(stage.decide(4ms), ElementsAre("lane 10 model 1: 3"));
}

TEST(Greedy, SpreadsOverLanesInTheOrderInWhichTheyBecameFree) {
    Stage stage(make_greedy({}));
    stage.add_model(1);
    stage.add_device(1, "gpu", {{1, 1, 0.1, 1}}, 2);
    stage.begin();

    stage.submit_all(0ms, 1, 3);
    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 1: 1", "lane 11 model 1: 2"));
    stage.done(1ms, 11);
    EXPECT_THAT(stage.decide(1ms), ElementsAre("lane 11 model 1: 3"));
}

TEST(Greedy, ACapKeepsTheRunWithinAPartOfTheObjective) {
    Stage stage(make_greedy({.cap = 0.5}));
    stage.add_model(1, 10ms);
    stage.add_model(2);  // no objective: no cap
    stage.add_device(1, "gpu", {{1, 2, 0.5, 16}, {2, 2, 0.5, 16}});
    stage.add_device(2, "slow", {{1, 6, 1, 16}});
    stage.begin();

    stage.submit_all(0ms, 1, 8);
    // 2 + 0.5 b <= 5 gives 6; on the slow device not even one row fits, and one it is.
    EXPECT_THAT(stage.decide(0ms),
                ElementsAre("lane 10 model 1: 1 2 3 4 5 6", "lane 20 model 1: 7"));
    EXPECT_EQ(stage.last_closed_by(), CloseReason::share);
    stage.done(5ms, 10);
    EXPECT_THAT(stage.decide(5ms), ElementsAre("lane 10 model 1: 8"));
    stage.submit_all(5ms, 11, 19, {.model = 2});
    stage.done(8ms, 10);
    EXPECT_THAT(stage.decide(8ms), ElementsAre("lane 10 model 2: 11 12 13 14 15 16 17 18 19"));
}

TEST(Greedy, CanDropWhatHasExpiredInTheQueue) {
    for (const bool expire : {false, true}) {
        Stage stage(make_greedy({.expire = expire}));
        stage.add_model(1);
        stage.add_device(1, "gpu", {{1, 1, 0.1, 8}});
        stage.begin();
        stage.submit(0ms, 1, {.deadline = at(2ms)});
        stage.submit(0ms, 2, {.deadline = at(2001us)});

        if (expire)
            EXPECT_THAT(stage.decide(2ms), ElementsAre("drop 1", "lane 10 model 1: 2"));
        else
            EXPECT_THAT(stage.decide(2ms), ElementsAre("lane 10 model 1: 1 2"));
    }
}

TEST(Greedy, CanPreferTheLaneThatFinishesFirst) {
    Stage stage(make_greedy({.quickest = true}));
    stage.add_model(1);
    stage.add_device(1, "cpu", {{1, 0, 1, 16}});
    stage.add_device(2, "gpu", {{1, 3, 0.1, 16}});
    stage.begin();

    stage.submit_all(0ms, 1, 2);
    EXPECT_THAT(stage.decide(0ms), ElementsAre("lane 10 model 1: 1 2"));
    stage.done(2ms, 10);
    stage.submit_all(2ms, 3, 7);
    EXPECT_THAT(stage.decide(2ms), ElementsAre("lane 20 model 1: 3 4 5 6 7"));
}

}  // namespace
}  // namespace bunch::simulation
