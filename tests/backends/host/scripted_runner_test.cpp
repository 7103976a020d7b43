// RunnerHost and ModelTrial against runners that hang, lie and break the protocol.
#include "tests/backends/host/scripted_runner_fixture.h"

namespace bunch::test {
namespace {

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
