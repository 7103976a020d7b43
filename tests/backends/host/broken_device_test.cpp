// RunnerHost with a runner whose device broke: when it is ended, started again, asked again.
#include "tests/backends/host/scripted_runner_fixture.h"

namespace bunch::test {
namespace {

using BrokenDeviceTest = ScriptedRunnerTest;

DeviceFault dead_board() {
    return {FaultKind::dead, true, "the board is dead: reset it"};
}

TEST_F(BrokenDeviceTest, IsEndedWhenItsDeviceBrokeAndStartedUntilTheDeviceIsBack) {
    host_.load(ModelId{4}, echo_model("m"));
    host_.start(at(0s));
    bring_up(1s);
    runner().say(wire::Fault{dead_board()});
    advance(2s);
    ASSERT_TRUE(last<DeviceFaulted>());
    EXPECT_EQ(last<DeviceFaulted>()->fault, dead_board());
    advance(2s);
    EXPECT_EQ(last_loss(), "the board is dead: reset it");
    const std::size_t told = events_.size();
    // More often than max_restarts, and nothing is said of it.
    Duration when = 3s;
    for (int i = 0; i < 8; ++i, when += 2s) {
        advance(when);
        runner().say(Hello{{"scripted", 1, 2, 0}});
        runner().say(wire::LaneOpened{0, {}});
        advance(when);
        ASSERT_TRUE(runner().heard<wire::Load>());
        runner().say(wire::Fault{dead_board()});
        advance(when);
        advance(when);
    }
    EXPECT_EQ(events_.size(), told);
    EXPECT_EQ(host_.next_wakeup(), at(when - 1s));  // the longest pause
    advance(when);
    runner().say(Hello{{"scripted", 1, 2, 0}});
    runner().say(wire::LaneOpened{0, {}});
    advance(when);
    EXPECT_EQ(events_.size(), told);
    runner().say(wire::Loaded{ModelId{4}, {}, {echo_signature(4), 8, 0}});
    advance(when);

    ASSERT_EQ(events_.size(), told + 2);
    EXPECT_TRUE(std::holds_alternative<DeviceUp>(events_[told]));
    EXPECT_TRUE(last<InstanceUp>());
}

TEST_F(BrokenDeviceTest, SaysWhatElseIsWrongWhileItsDeviceIsDown) {
    host_.load(ModelId{4}, echo_model("m"));
    host_.start(at(0s));
    bring_up(1s);
    runner().say(wire::Fault{dead_board()});
    advance(2s);
    advance(2s);
    advance(3s);
    runner().say(wire::Refused{"card 0 is gone"});
    runner().end({78, 0});
    advance(4s);

    EXPECT_THAT(last_loss(), HasSubstr("card 0 is gone"));
    EXPECT_TRUE(last<DeviceLost>()->restart_at);
}

TEST_F(BrokenDeviceTest, IsUpAgainWithoutAModelThatIsRefusedAfterARepair) {
    host_.load(ModelId{4}, echo_model("m"));
    host_.start(at(0s));
    bring_up(1s);
    runner().say(wire::Fault{dead_board()});
    advance(2s);
    advance(2s);
    advance(3s);
    runner().say(Hello{{"scripted", 1, 2, 0}});
    runner().say(wire::LaneOpened{0, {}});
    advance(4s);
    runner().say(wire::Loaded{ModelId{4}, not_found("its file is gone"), {}});
    advance(4s);

    EXPECT_TRUE(last<DeviceUp>());
}

TEST_F(BrokenDeviceTest, IsAskedAgainForAModelThatFoundNoMemoryUntilItFindsSome) {
    const Status full = resource_exhausted("bank 0 is full");
    host_.load(ModelId{4}, echo_model("m"));
    host_.start(at(0s));
    bring_up(1s);
    std::size_t told = 0;
    for (int i = 0; i < 6; ++i) {
        const Duration when = 2s + i * 1s;  // the longest pause
        advance(when);
        ASSERT_TRUE(runner().heard<wire::Load>()) << i;
        runner().say(wire::Fault{{FaultKind::memory_full, false, "bank 0 is full"}});
        runner().say(wire::Loaded{ModelId{4}, full, {}});
        advance(when);
        if (i == 0) told = events_.size();
        EXPECT_LE(host_.next_wakeup(), at(when + 1s));
    }
    ASSERT_GE(told, 2u);
    EXPECT_EQ(events_.size(), told);
    EXPECT_TRUE(std::holds_alternative<DeviceFaulted>(events_[told - 2]));
    EXPECT_THAT(last<InstanceFailed>()->status.message(), HasSubstr("'m': bank 0 is full"));
    advance(8s);
    runner().say(wire::Loaded{ModelId{4}, {}, {echo_signature(4), 8, 0}});
    advance(8s);

    EXPECT_TRUE(last<InstanceUp>());
    EXPECT_EQ(runner().kills, 0);
}

TEST_F(BrokenDeviceTest, StaysWhenWhatBrokeIsNotTheWholeDevice) {
    host_.start(at(0s));
    bring_up(1s);
    runner().say(wire::Fault{{FaultKind::call_failed, false, "one call failed"}});
    advance(2s);
    advance(2s);

    EXPECT_TRUE(last<DeviceFaulted>());
    EXPECT_EQ(runner().kills, 0);
}

TEST_F(BrokenDeviceTest, IsHeardBeforeItIsEndedForALaneThatBroke) {
    host_.start(at(0s));
    bring_up(1s);
    runner().say(wire::Fault{dead_board()});
    host_.kill_runner(at(2s), "a lane was closed");
    advance(2s);
    advance(2s);

    EXPECT_EQ(last_loss(), "the board is dead: reset it");
}

}  // namespace
}  // namespace bunch::test
