// Runners as real processes: started, killed, missing, and what they inherit.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "backends/host/process_launcher.h"
#include "backends/host/runner_host.h"
#include "tests/fakes/host_driver.h"

namespace bunch::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// The children of this thread. Tests run one at a time in a process, so these are the runners.
std::vector<pid_t> children() {
    std::ifstream file("/proc/self/task/" + std::to_string(::getpid()) + "/children");
    std::vector<pid_t> pids;
    for (pid_t pid = 0; file >> pid;) pids.push_back(pid);
    return pids;
}

class ProcessTest : public testing::Test {
  protected:
    ProcessTest() {
        settings_.name = "dev0";
        settings_.backend = "fake";
        settings_.arena_bytes = 1 << 20;
        settings_.restart = {1ms, 1ms, 2, 60s};
    }

    void start(const std::vector<ModelSpec>& models = {}) {
        driver_.emplace(settings_, *launcher_);
        for (std::uint32_t i = 0; i < models.size(); ++i)
            driver_->host().load(ModelId{i}, models[i]);
        driver_->host().start(now());
    }

    void wait_for_device() {
        auto up = driver_->wait_for<DeviceUp>();
        ASSERT_TRUE(up);
        lane_ = std::move(up->lanes.at(0));
        ASSERT_TRUE(driver_->wait_for<InstanceUp>());
    }

    std::unique_ptr<Launcher> launcher_ = process_launcher(BUNCH_FAKE_RUNNER_DIR);
    DeviceSettings settings_;
    std::optional<HostDriver> driver_;
    std::unique_ptr<LaneLink> lane_;
};

TEST_F(ProcessTest, RunsBatchesOfAModel) {
    start({echo_model("m")});
    ASSERT_NO_FATAL_FAILURE(wait_for_device());

    ASSERT_TRUE(send_counting_batch(*lane_, BatchId{1}, ModelId{0}, echo_signature(4), 2, 1).ok());
    const auto report = wait_for_batch(*lane_);

    ASSERT_TRUE(report.ok() && report->status.ok());
    EXPECT_THAT(floats_of(report->outputs[0]), testing::ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
}

TEST_F(ProcessTest, ComesBackWhenItIsKilled) {
    start({echo_model("m")});
    ASSERT_NO_FATAL_FAILURE(wait_for_device());
    ASSERT_EQ(children().size(), 1u);
    ASSERT_EQ(::kill(children()[0], SIGKILL), 0);

    const auto lost = driver_->wait_for<DeviceLost>();

    ASSERT_TRUE(lost);
    EXPECT_EQ(lost->reason, "it was killed by signal 9 (Killed)");
    EXPECT_TRUE(lost->restart_at);
    EXPECT_FALSE(wait_for_batch(*lane_).ok());
    ASSERT_NO_FATAL_FAILURE(wait_for_device());
    ASSERT_TRUE(send_counting_batch(*lane_, BatchId{2}, ModelId{0}, echo_signature(4), 1, 0).ok());
    EXPECT_TRUE(wait_for_batch(*lane_).ok());
}

TEST_F(ProcessTest, IsGivenUpWhenItIsLostTooOften) {
    settings_.restart.max_restarts = 0;
    start({echo_model("m")});
    ASSERT_NO_FATAL_FAILURE(wait_for_device());
    ASSERT_EQ(::kill(children().at(0), SIGKILL), 0);

    EXPECT_TRUE(driver_->wait_for<DeviceFailed>());
    EXPECT_TRUE(driver_->host().is_stopped());
    EXPECT_TRUE(children().empty());
}

TEST_F(ProcessTest, NamesTheProgramThatIsMissing) {
    settings_.backend = "nonesuch";
    start();

    const auto failed = driver_->wait_for<DeviceFailed>();

    ASSERT_TRUE(failed);
    EXPECT_THAT(failed->status.message(), HasSubstr("backend 'nonesuch' is not installed"));
    EXPECT_THAT(failed->status.message(), HasSubstr("/bunch-runner-nonesuch'"));
}

TEST_F(ProcessTest, SaysWhyAProgramCannotBeStarted) {
    const std::filesystem::path folder =
        std::filesystem::path(testing::TempDir()) / ("bunch-exec-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "bunch-runner-fake") << "#!/nonexistent/interpreter\n";
    ASSERT_EQ(::chmod((folder / "bunch-runner-fake").c_str(), 0755), 0);
    launcher_ = process_launcher(folder);
    start();

    const auto failed = driver_->wait_for<DeviceFailed>();

    ASSERT_TRUE(failed);
    EXPECT_THAT(failed->status.message(), HasSubstr("cannot start"));
    EXPECT_TRUE(children().empty());
    std::filesystem::remove_all(folder);
}

TEST_F(ProcessTest, IsNotRetriedWhenTheDeviceIsRefused) {
    settings_.options = {{"refuse", "no such card"}};
    start();

    const auto failed = driver_->wait_for<DeviceFailed>();

    ASSERT_TRUE(failed);
    EXPECT_THAT(failed->status.message(), HasSubstr("no such card"));
}

TEST_F(ProcessTest, LosesOnlyTheScratchRunnerToAFileThatAborts) {
    ModelSpec bad = echo_model("bad");
    bad.path = "/models/bad.onnx";
    settings_.options = {{"abort_on_load", "bad"}};
    start({bad, echo_model("good")});

    const auto failed = driver_->wait_for<InstanceFailed>();

    ASSERT_TRUE(failed);
    EXPECT_TRUE(driver_->wait_for<InstanceUp>());
    EXPECT_FALSE(driver_->has<DeviceLost>());
    EXPECT_THAT(failed->status.message(), HasSubstr("/models/bad.onnx"));
    EXPECT_THAT(failed->status.message(), HasSubstr("was killed by signal 6 (Aborted)"));
}

TEST_F(ProcessTest, IsKilledWhenItHangsAtTheStop) {
    settings_.options = {{"hang", "1"}};
    start();
    ASSERT_EQ(children().size(), 1u);

    driver_->host().stop(now(), 20ms);

    EXPECT_TRUE(driver_->wait_until_stopped());
    EXPECT_TRUE(children().empty());
}

TEST_F(ProcessTest, LeavesNoProcessBehindWhenTheHostGoes) {
    settings_.options = {{"hang", "1"}};
    start();
    ASSERT_EQ(children().size(), 1u);

    driver_.reset();

    EXPECT_TRUE(children().empty());
}

TEST_F(ProcessTest, HasItsOwnSessionAndInheritsNothingElse) {
    const UniqueFd secret(::open("/dev/zero", O_RDONLY));  // not close-on-exec
    start({echo_model("m")});
    ASSERT_NO_FATAL_FAILURE(wait_for_device());
    const pid_t runner = children().at(0);

    EXPECT_EQ(::getsid(runner), runner);
    std::vector<std::string> open;
    for (const auto& entry :
         std::filesystem::directory_iterator("/proc/" + std::to_string(runner) + "/fd"))
        open.push_back(std::filesystem::read_symlink(entry.path()));
    EXPECT_THAT(open, testing::Not(testing::Contains("/dev/zero")));
    EXPECT_THAT(open, testing::Contains("/dev/null"));
}

TEST_F(ProcessTest, StartsWithSignalsThatAreNotBlocked) {
    sigset_t mask;
    sigset_t before;
    ::sigemptyset(&mask);
    ::sigaddset(&mask, SIGTERM);
    ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &mask, &before), 0);
    start({echo_model("m")});
    ASSERT_NO_FATAL_FAILURE(wait_for_device());
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);

    std::ifstream status("/proc/" + std::to_string(children().at(0)) + "/status");
    std::string line;
    while (std::getline(status, line) && !line.starts_with("SigBlk:")) {
    }
    EXPECT_EQ(line, "SigBlk:\t0000000000000000");
}

}  // namespace
}  // namespace bunch::test
