// RunnerHost with the serving side of real runners, on threads: fakes that do as they are told.
#include "backends/host/runner_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/fakes/fake_backend.h"
#include "tests/fakes/host_driver.h"
#include "tests/fakes/thread_launcher.h"

namespace bunch::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

class RunnerHostTest : public testing::Test {
  protected:
    RunnerHostTest() {
        settings_.name = "dev0";
        settings_.backend = "fake";
        settings_.arena_bytes = 1 << 20;
        settings_.restart = {1ms, 1ms, 3, 60s};
    }

    void start(const std::vector<ModelSpec>& models) {
        driver_.emplace(settings_, *launcher_);
        for (std::uint32_t i = 0; i < models.size(); ++i)
            driver_->host().load(ModelId{i}, models[i]);
        driver_->host().start(now());
        ASSERT_NO_FATAL_FAILURE(take_device());
    }

    void take_device() {
        auto up = driver_->wait_for<DeviceUp>();
        ASSERT_TRUE(up);
        lane_ = std::move(up->lanes.at(0));
    }

    void start_with_one_model() {
        ASSERT_NO_FATAL_FAILURE(start({echo_model("m")}));
        ASSERT_TRUE(driver_->wait_for<InstanceUp>());
    }

    /// Sends a batch; its answer, or what became of the lane.
    Result<BatchReport> run(std::uint64_t batch, float first) {
        BUNCH_RETURN_IF_ERROR(
            send_counting_batch(*lane_, BatchId{batch}, ModelId{0}, echo_signature(4), 1, first)
                .status());
        return wait_for_batch(*lane_);
    }

    std::shared_ptr<FakeDevice> device_ = std::make_shared<FakeDevice>();
    std::unique_ptr<Launcher> launcher_ = thread_launcher(device_);
    DeviceSettings settings_;
    std::optional<HostDriver> driver_;
    std::unique_ptr<LaneLink> lane_;
};

TEST_F(RunnerHostTest, BringsUpADeviceThatRunsItsModel) {
    ASSERT_NO_FATAL_FAILURE(start_with_one_model());

    const auto report = run(1, 10);

    ASSERT_TRUE(report.ok()) << report.status().to_string();
    EXPECT_TRUE(report->status.ok());
    EXPECT_THAT(floats_of(report->outputs[0]), ElementsAre(10, 11, 12, 13));
}

TEST_F(RunnerHostTest, BringsTheDeviceBackAfterACrash) {
    ASSERT_NO_FATAL_FAILURE(start_with_one_model());
    const LaneId before = lane_->id();
    device_->order_batch(Fault::crash);
    EXPECT_EQ(run(1, 0).status().code(), StatusCode::unavailable);
    EXPECT_THAT(lane_->batches(), ElementsAre(BatchId{1}));

    const auto lost = driver_->wait_for<DeviceLost>();
    ASSERT_TRUE(lost);
    EXPECT_THAT(lost->reason, HasSubstr("signal 11"));
    ASSERT_NO_FATAL_FAILURE(take_device());
    ASSERT_TRUE(driver_->wait_for<InstanceUp>());

    EXPECT_NE(lane_->id(), before);
    EXPECT_THAT(floats_of(run(2, 5)->outputs[0]), ElementsAre(5, 6, 7, 8));
}

TEST_F(RunnerHostTest, EndsARunnerOnRequest) {
    ASSERT_NO_FATAL_FAILURE(start_with_one_model());
    device_->hold();
    ASSERT_TRUE(send_counting_batch(*lane_, BatchId{1}, ModelId{0}, echo_signature(4), 1, 0).ok());
    driver_->host().kill_runner(now(), "a batch is past its time limit");

    const auto lost = driver_->wait_for<DeviceLost>();

    ASSERT_TRUE(lost);
    EXPECT_EQ(lost->reason, "a batch is past its time limit; it was killed by signal 9 (Killed)");
    EXPECT_FALSE(wait_for_batch(*lane_).ok());
    device_->release();
    ASSERT_NO_FATAL_FAILURE(take_device());
    ASSERT_TRUE(driver_->wait_for<InstanceUp>());
    EXPECT_TRUE(run(2, 0).ok());
}

TEST_F(RunnerHostTest, FailsOnlyTheBatchThatFails) {
    ASSERT_NO_FATAL_FAILURE(start_with_one_model());
    for (const Fault fault : {Fault::error, Fault::exception, Fault::wrong_shape}) {
        device_->order_batch(fault);
        const auto failed = run(1, 0);
        ASSERT_TRUE(failed.ok()) << failed.status().to_string();
        EXPECT_EQ(failed->status.code(), StatusCode::internal);
        lane_->release(failed->slot);
    }

    EXPECT_TRUE(run(2, 0)->status.ok());
}

TEST_F(RunnerHostTest, TellsOfAModelThatCannotBeLoadedAndLoadsTheOthers) {
    ModelSpec bad = echo_model("bad");
    bad.path = "/models/bad.onnx";
    device_->order_load("bad", invalid_argument("no operator 'Foo' in node 'n3'"));
    ASSERT_NO_FATAL_FAILURE(start({echo_model("good"), bad}));

    const auto failed = driver_->wait_for<InstanceFailed>();

    ASSERT_TRUE(failed);
    EXPECT_EQ(failed->model, ModelId{1});
    EXPECT_THAT(failed->status.message(), HasSubstr("'bad' (/models/bad.onnx): no operator 'Foo'"));
    EXPECT_TRUE(run(1, 0).ok());
}

TEST_F(RunnerHostTest, LosesNothingButTheScratchRunnerToAFileThatCrashesTheLoader) {
    ModelSpec bad = echo_model("bad");
    bad.path = "/models/bad.onnx";
    device_->order_load_crash("bad");
    ASSERT_NO_FATAL_FAILURE(start({echo_model("good"), bad}));

    const auto failed = driver_->wait_for<InstanceFailed>();

    ASSERT_TRUE(failed);
    EXPECT_THAT(failed->status.message(), HasSubstr("was killed by signal 11"));
    EXPECT_TRUE(run(1, 0).ok());
}

TEST_F(RunnerHostTest, SaysWhyADeviceIsNotOffered) {
    device_->refusal = "no driver: install foo-dkms";
    driver_.emplace(settings_, *launcher_);
    driver_->host().start(now());

    const auto failed = driver_->wait_for<DeviceFailed>();

    ASSERT_TRUE(failed);
    EXPECT_EQ(failed->status.message(),
              "device 'dev0' (fake) is not available: no driver: install foo-dkms");
}

TEST_F(RunnerHostTest, StopsItsRunnerInOrder) {
    ASSERT_NO_FATAL_FAILURE(start_with_one_model());

    driver_->host().stop(now(), 20s);

    EXPECT_TRUE(driver_->wait_until_stopped());
    EXPECT_EQ(lane_->receive(now()).status().code(), StatusCode::unavailable);
}

TEST_F(RunnerHostTest, DoesNotTakeADeviceThatAnotherDaemonDrives) {
    const std::filesystem::path folder =
        std::filesystem::path(testing::TempDir()) / ("bunch-lock-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    settings_.state_dir = folder;
    ASSERT_NO_FATAL_FAILURE(start_with_one_model());
    HostDriver second(settings_, *launcher_);
    second.host().start(now());

    const auto failed = second.wait_for<DeviceFailed>();

    ASSERT_TRUE(failed);
    EXPECT_THAT(failed->status.message(),
                HasSubstr("in use by process " + std::to_string(::getpid())));
    EXPECT_TRUE(run(1, 0).ok());
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace bunch::test
