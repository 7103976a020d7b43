// RunnerHost and ModelTrial against runners that hang, lie and break the protocol. The time is an
// argument, so nothing here waits.
#include "tests/backends/host/scripted_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/host/runner_host.h"
#include "tests/fakes/host_driver.h"

namespace bunch::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using wire::Hello;

TimePoint at(Duration since_start) {
    return TimePoint{} + 1h + since_start;
}

DeviceSettings settings() {
    DeviceSettings settings;
    settings.name = "dev0";
    settings.backend = "scripted";
    settings.arena_bytes = 1 << 20;
    settings.start_timeout = 5s;
    settings.load_timeout = 60s;
    settings.ping_interval = 2s;
    settings.ping_timeout = 10s;
    settings.restart = {100ms, 1s, 2, 60s};
    return settings;
}

class ScriptedRunnerTest : public testing::Test {
  protected:
    ScriptedProcess& runner() { return *launcher_.runners.back(); }

    void advance(Duration when) {
        host_.advance(at(when));
        for (HostEvent& event : host_.take_events()) events_.push_back(std::move(event));
    }

    /// Greets and opens one lane, by `when`.
    void bring_up(Duration when) {
        runner().say(Hello{{"scripted", 1, 2, 0}});
        advance(when);
        runner().say(wire::LaneOpened{0, {}});
        advance(when);
        ASSERT_TRUE(last<DeviceUp>());
    }

    template <typename Event>
    const Event* last() const {
        return events_.empty() ? nullptr : std::get_if<Event>(&events_.back());
    }

    std::string last_loss() const {
        const auto* lost = last<DeviceLost>();
        return lost == nullptr ? "none" : lost->reason;
    }

    ScriptedLauncher launcher_;
    std::uint32_t lanes_ = 0;
    RunnerHost host_{settings(), launcher_, [this] { return LaneId{lanes_++}; }};
    std::vector<HostEvent> events_;
};

TEST_F(ScriptedRunnerTest, IsLostWhenItDoesNotGreetInTime) {
    host_.start(at(0s));
    EXPECT_EQ(host_.next_wakeup(), at(5s));
    advance(4999ms);
    EXPECT_TRUE(events_.empty());
    advance(5s);
    advance(5s);

    EXPECT_THAT(last_loss(), HasSubstr("did not offer its device within 5 s"));
    EXPECT_EQ(launcher_.runners[0]->kills, 1);
}

TEST_F(ScriptedRunnerTest, IsStartedAgainAfterAPauseAndGivenUpInTheEnd) {
    host_.start(at(0s));
    runner().end({3, 0});
    advance(1s);
    ASSERT_TRUE(last<DeviceLost>());
    EXPECT_EQ(last_loss(), "it exited with code 3");
    EXPECT_EQ(last<DeviceLost>()->restart_at, at(1100ms));
    EXPECT_EQ(host_.next_wakeup(), at(1100ms));
    advance(1099ms);
    EXPECT_EQ(launcher_.runners.size(), 1u);
    advance(1100ms);
    EXPECT_EQ(launcher_.runners.size(), 2u);
    runner().end({0, 11});
    advance(2s);
    EXPECT_THAT(last_loss(), HasSubstr("was killed by signal 11 (Segmentation fault)"));
    advance(3s);
    runner().end({0, 11});
    advance(4s);

    ASSERT_TRUE(last<DeviceFailed>());
    EXPECT_THAT(last<DeviceFailed>()->status.message(), HasSubstr("'dev0' is given up"));
    EXPECT_TRUE(host_.is_stopped());
    EXPECT_FALSE(host_.next_wakeup());
    advance(1h);
    EXPECT_EQ(launcher_.runners.size(), 3u);
}

TEST_F(ScriptedRunnerTest, IsNotStartedAgainWhenItRefusesTheDevice) {
    host_.start(at(0s));
    runner().say(wire::Refused{"no card in slot 3"});
    runner().end({78, 0});
    advance(1s);

    ASSERT_TRUE(last<DeviceFailed>());
    EXPECT_EQ(events_.size(), 1u);
    EXPECT_THAT(last<DeviceFailed>()->status.message(), HasSubstr("no card in slot 3"));
    EXPECT_TRUE(host_.is_stopped());
}

TEST_F(ScriptedRunnerTest, HandsItsLanesOutOnceTheyAreOpen) {
    host_.start(at(0s));
    runner().say(Hello{{"scripted", 2, 3, 0}});
    advance(1s);
    const auto request = runner().heard<wire::OpenLane>();
    ASSERT_TRUE(request);
    EXPECT_EQ(request->slots, 3u);
    EXPECT_EQ(request->arena_bytes, 1u << 20);
    EXPECT_EQ(runner().packet.fd_count, 2u);
    runner().say(wire::LaneOpened{0, {}});
    advance(1s);
    EXPECT_TRUE(events_.empty());
    runner().say(wire::LaneOpened{1, {}});
    advance(1s);

    ASSERT_TRUE(last<DeviceUp>());
    ASSERT_EQ(last<DeviceUp>()->lanes.size(), 2u);
    EXPECT_EQ(last<DeviceUp>()->lanes[1]->id(), LaneId{1});
    EXPECT_EQ(last<DeviceUp>()->lanes[1]->slots(), 3u);
}

TEST_F(ScriptedRunnerTest, IsLostWhenALaneCannotBeOpened) {
    host_.start(at(0s));
    runner().say(Hello{{"scripted", 1, 2, 0}});
    runner().say(wire::LaneOpened{0, resource_exhausted("cannot pin memory")});
    advance(1s);
    advance(1s);

    EXPECT_THAT(last_loss(), HasSubstr("cannot pin memory"));
}

TEST_F(ScriptedRunnerTest, IsLostWhenItSaysWhatItMayNot) {
    const std::vector<wire::ControlMessage> forbidden = {
        wire::LaneOpened{5, {}},
        wire::Loaded{ModelId{1}, internal_error("x"), {}},
        wire::Pong{9, {}},
        wire::Activated{ModelId{1}, {}},
        wire::Stop{},
        wire::Ping{1}};
    for (const wire::ControlMessage& message : forbidden) {
        ScriptedLauncher launcher;
        RunnerHost host(settings(), launcher, [] { return LaneId{0}; });
        host.start(at(0s));
        launcher.runners[0]->say(message);
        host.advance(at(1s));
        host.advance(at(1s));

        const auto events = host.take_events();
        ASSERT_EQ(events.size(), 1u) << message.index();
        EXPECT_THAT(std::get<DeviceLost>(events[0]).reason, HasSubstr("broke the protocol"));
    }
}

TEST_F(ScriptedRunnerTest, IsLostWhenItTalksGarbage) {
    host_.start(at(0s));
    bring_up(1s);
    const std::byte garbage[100] = {};
    ASSERT_TRUE(runner().control.send(garbage).ok());
    advance(2s);
    advance(2s);

    EXPECT_THAT(last_loss(), HasSubstr("broke the protocol"));
    EXPECT_EQ(runner().kills, 1);
}

TEST_F(ScriptedRunnerTest, IsLostWhenItDoesNotAnswerAPing) {
    host_.start(at(0s));
    bring_up(1s);
    EXPECT_EQ(host_.next_wakeup(), at(3s));
    advance(3s);
    ASSERT_TRUE(runner().heard<wire::Ping>());
    EXPECT_EQ(host_.next_wakeup(), at(13s));
    runner().say(wire::Pong{1, {}});
    advance(4s);
    EXPECT_EQ(host_.next_wakeup(), at(6s));
    advance(6s);
    ASSERT_TRUE(runner().heard<wire::Ping>());
    advance(16s);
    advance(16s);

    EXPECT_THAT(last_loss(), HasSubstr("did not answer within 10 s"));
}

TEST_F(ScriptedRunnerTest, IsNotPingedWhileItLoads) {
    host_.load(ModelId{4}, echo_model("m"));
    host_.start(at(0s));
    bring_up(1s);
    ASSERT_TRUE(runner().heard<wire::Load>());
    advance(50s);
    EXPECT_FALSE(runner().heard<wire::Ping>());
    EXPECT_EQ(host_.next_wakeup(), at(61s));
    runner().say(wire::Loaded{ModelId{4}, {}, {echo_signature(4), 8, 0}});
    advance(51s);

    ASSERT_TRUE(last<InstanceUp>());
    EXPECT_TRUE(runner().heard<wire::Ping>());
}

TEST_F(ScriptedRunnerTest, IsLostWithTheModelThatItDoesNotLoadInTime) {
    host_.load(ModelId{4}, echo_model("slow"));
    host_.start(at(0s));
    bring_up(1s);
    advance(61s);
    advance(61s);

    ASSERT_EQ(events_.size(), 3u);
    EXPECT_THAT(std::get<InstanceFailed>(events_[1]).status.message(),
                HasSubstr("'slow': it was not loaded within 60 s"));
    EXPECT_THAT(last_loss(), HasSubstr("not loaded within 60 s"));
}

TEST_F(ScriptedRunnerTest, IsReportedLostEvenIfTheProcessCannotBeEnded) {
    host_.start(at(0s));
    bring_up(1s);
    runner().dies_when_killed = false;
    host_.kill_runner(at(2s), "a batch of 31 s is past its time limit");
    advance(2s);
    EXPECT_TRUE(last<DeviceUp>());
    EXPECT_EQ(host_.next_wakeup(), at(3s));
    advance(3s);
    EXPECT_THAT(last_loss(), HasSubstr("past its time limit; the process cannot be ended"));
    advance(10s);
    EXPECT_EQ(launcher_.runners.size(), 1u);
    runner().end({0, 9});
    advance(20s);
    advance(20s);

    EXPECT_EQ(launcher_.runners.size(), 2u);
}

TEST_F(ScriptedRunnerTest, IsGivenUpEvenIfTheProcessOfTheLastTryCannotBeEnded) {
    host_.start(at(0s));
    for (const Duration when : {1s, 3s}) {
        runner().end({3, 0});
        advance(when);
        advance(when + 1s);
    }
    ASSERT_EQ(launcher_.runners.size(), 3u);
    bring_up(5s);
    runner().dies_when_killed = false;
    host_.kill_runner(at(6s), "it hangs");
    advance(7s);

    ASSERT_TRUE(last<DeviceFailed>());
    EXPECT_THAT(last<DeviceFailed>()->status.message(), HasSubstr("it hangs"));
    EXPECT_FALSE(host_.is_stopped());
    const std::size_t told = events_.size();
    runner().end({0, 9});
    advance(8s);
    EXPECT_EQ(events_.size(), told);
    EXPECT_TRUE(host_.is_stopped());
}

TEST_F(ScriptedRunnerTest, IsStoppedByWordThenBySignals) {
    host_.start(at(0s));
    bring_up(1s);
    runner().dies_when_killed = false;
    host_.stop(at(2s), 4s);
    EXPECT_TRUE(runner().heard<wire::Stop>());
    advance(3999ms);
    EXPECT_EQ(runner().terminations, 0);
    advance(4s);
    EXPECT_EQ(runner().terminations, 1);
    EXPECT_EQ(host_.next_wakeup(), at(6s));
    advance(6s);
    EXPECT_EQ(runner().kills, 1);
    EXPECT_FALSE(host_.is_stopped());
    runner().end({0, 9});
    advance(7s);

    EXPECT_TRUE(host_.is_stopped());
    EXPECT_TRUE(last<DeviceUp>());
}

TEST_F(ScriptedRunnerTest, IsToldToForgetAModel) {
    host_.load(ModelId{4}, echo_model("m"));
    host_.start(at(0s));
    bring_up(1s);
    runner().say(wire::Loaded{ModelId{4}, {}, {echo_signature(4), 8, 0}});
    advance(2s);

    host_.unload(at(3s), ModelId{4});

    const auto unload = runner().heard<wire::Unload>();
    ASSERT_TRUE(unload);
    EXPECT_EQ(unload->model, ModelId{4});
}

TEST_F(ScriptedRunnerTest, TriesAModelInAScratchRunnerBeforeItsOwn) {
    ModelSpec spec = echo_model("m");
    spec.path = "/models/m.onnx";
    host_.load(ModelId{4}, spec);
    host_.start(at(0s));
    ASSERT_EQ(launcher_.runners.size(), 2u);
    ScriptedProcess& own = *launcher_.runners[0];
    ScriptedProcess& scratch = *launcher_.runners[1];
    own.say(Hello{{"scripted", 1, 2, 0}});
    own.say(wire::LaneOpened{0, {}});
    scratch.say(Hello{{"scripted", 1, 2, 0}});
    advance(1s);
    EXPECT_FALSE(own.heard<wire::Load>());
    const auto trial = scratch.heard<wire::Load>();
    ASSERT_TRUE(trial);
    EXPECT_EQ(trial->spec.max_batch_rows, 1u);
    scratch.say(wire::Loaded{ModelId{4}, {}, {echo_signature(4), 1, 0}});
    advance(2s);
    advance(2s);

    EXPECT_EQ(scratch.kills, 1);
    advance(2s);
    const auto load = own.heard<wire::Load>();
    ASSERT_TRUE(load);
    EXPECT_EQ(load->spec.max_batch_rows, 32u);
}

TEST_F(ScriptedRunnerTest, FailsModelsWhoseTrialCrashesOrHangsAndTellsTheirFiles) {
    ModelSpec crashing = echo_model("crashing");
    crashing.path = "/models/crashing.onnx";
    ModelSpec hanging = echo_model("hanging");
    hanging.path = "/models/hanging.onnx";
    host_.load(ModelId{0}, crashing);
    host_.load(ModelId{1}, hanging);
    host_.start(at(0s));
    launcher_.runners[0]->say(Hello{{"scripted", 1, 2, 0}});
    launcher_.runners[0]->say(wire::LaneOpened{0, {}});
    launcher_.runners[1]->end({0, 11});
    advance(1s);
    ASSERT_TRUE(last<InstanceFailed>());
    EXPECT_THAT(last<InstanceFailed>()->status.message(),
                HasSubstr("'crashing' (/models/crashing.onnx): a runner that loaded it for trial "
                          "was killed by signal 11"));
    ASSERT_EQ(launcher_.runners.size(), 3u);
    host_.advance(at(66s));
    advance(66s);

    ASSERT_TRUE(last<InstanceFailed>());
    EXPECT_THAT(last<InstanceFailed>()->status.message(),
                HasSubstr("'hanging' (/models/hanging.onnx): it was not loaded for trial within"));
    EXPECT_EQ(launcher_.runners[0]->kills, 0);
}

DeviceFault dead_board() {
    return {FaultKind::dead, true, "the board is dead: reset it"};
}

TEST_F(ScriptedRunnerTest, IsEndedWhenItsDeviceBrokeAndStartedUntilTheDeviceIsBack) {
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

TEST_F(ScriptedRunnerTest, SaysWhatElseIsWrongWhileItsDeviceIsDown) {
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

TEST_F(ScriptedRunnerTest, IsUpAgainWithoutAModelThatIsRefusedAfterARepair) {
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

TEST_F(ScriptedRunnerTest, IsAskedAgainForAModelThatFoundNoMemoryUntilItFindsSome) {
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

TEST_F(ScriptedRunnerTest, StaysWhenWhatBrokeIsNotTheWholeDevice) {
    host_.start(at(0s));
    bring_up(1s);
    runner().say(wire::Fault{{FaultKind::call_failed, false, "one call failed"}});
    advance(2s);
    advance(2s);

    EXPECT_TRUE(last<DeviceFaulted>());
    EXPECT_EQ(runner().kills, 0);
}

TEST_F(ScriptedRunnerTest, IsHeardBeforeItIsEndedForALaneThatBroke) {
    host_.start(at(0s));
    bring_up(1s);
    runner().say(wire::Fault{dead_board()});
    host_.kill_runner(at(2s), "a lane was closed");
    advance(2s);
    advance(2s);

    EXPECT_EQ(last_loss(), "the board is dead: reset it");
}

TEST_F(ScriptedRunnerTest, PassesOnWhatTheSensorsSay) {
    host_.start(at(0s));
    bring_up(1s);
    advance(3s);
    runner().say(wire::Pong{1, {61.5, std::nullopt, std::nullopt}});
    advance(4s);

    ASSERT_TRUE(last<DeviceRead>());
    EXPECT_EQ(last<DeviceRead>()->readings.celsius, 61.5);
}

TEST_F(ScriptedRunnerTest, HasItsDeviceConfiguredInTimeAndIsNotPingedMeanwhile) {
    host_.start(at(0s));
    bring_up(1s);
    host_.activate(at(2s), ModelId{4});
    ASSERT_TRUE(runner().heard<wire::Activate>());
    advance(30s);
    EXPECT_FALSE(runner().heard<wire::Ping>());
    EXPECT_EQ(host_.next_wakeup(), at(62s));
    runner().say(wire::Activated{ModelId{4}, {}});
    advance(31s);
    ASSERT_TRUE(last<ImageChanged>());
    EXPECT_EQ(last<ImageChanged>()->model, ModelId{4});
    host_.activate(at(32s), ModelId{5});
    advance(92s);
    advance(92s);

    EXPECT_THAT(last_loss(), HasSubstr("was not configured within 60 s"));
}

TEST_F(ScriptedRunnerTest, PassesLanesAndSlotsOnAsOptions) {
    DeviceSettings counted = settings();
    counted.options = {{"fixed", "5ms"}};
    counted.lanes = 2;
    counted.slots = 3;
    RunnerHost host(counted, launcher_, [] { return LaneId{0}; });

    host.start(at(0s));

    EXPECT_EQ(launcher_.last_options,
              (BackendOptions{{"fixed", "5ms"}, {"lanes", "2"}, {"slots", "3"}}));
}

}  // namespace
}  // namespace bunch::test
