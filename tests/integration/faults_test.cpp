// Runners that die or cannot load, clients that vanish: nothing is lost, nobody else notices.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>

#include "tests/integration/daemon_process.h"
#include "tests/integration/raw_client.h"

namespace bunch {
namespace {

TEST(Faults, KillingTheRunnerInTheMiddleOfTheWorkLosesNoRequest) {
    constexpr int kRequests = 400;
    DaemonProcess daemon(echo_config("5ms", "0us", "max_batch_rows = 4"));
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());
    for (int i = 0; i < kRequests; ++i)
        client.send(request_frames(request_header("echo", {1, 4}, std::to_string(i)),
                                   {static_cast<float>(i), 0, 0, 0}));

    std::map<std::string, int> answers;
    for (int i = 0; i < kRequests; ++i) {
        if (i == 50) {
            const auto runners = daemon.runners("simulated");
            ASSERT_EQ(runners.size(), 1u);
            ::kill(runners.front(), SIGKILL);
        }
        const auto reply = client.receive();
        ASSERT_TRUE(reply);
        EXPECT_EQ(reply->status(), "ok") << reply->message();
        EXPECT_EQ(reply->floats(0)[0], std::stof(reply->header.id()));
        ++answers[reply->header.id()];
    }

    EXPECT_EQ(answers.size(), static_cast<std::size_t>(kRequests));
    EXPECT_EQ(daemon.metric("bunch_runner_restarts_total"), 1) << daemon.http_get("/metrics");
    EXPECT_EQ(daemon.stop().code, 0);
}

TEST(Faults, ARequestOnSeveralLanesOfARunnerThatDiesIsNotBlamedForEachOfThem) {
    constexpr int kRequests = 300;
    DaemonProcess daemon(
        "[[device]]\nname = \"sim0\"\nbackend = \"simulated\"\nlanes = 4\n"
        "options = { fixed = \"2ms\" }\n"
        "[[model]]\nname = \"echo\"\nmax_batch_rows = 1\n"
        "inputs = [{ name = \"x\", type = \"FP32\", shape = [-1, 4] }]\n"
        "outputs = [{ name = \"echo\", type = \"FP32\", shape = [-1, 4] }]\n");
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());
    for (int i = 0; i < kRequests; ++i)
        client.send(request_frames(request_header("echo", {4, 4}, std::to_string(i)),
                                   std::vector<float>(16, 1)));

    for (int i = 0; i < kRequests; ++i) {
        if (i == 20)
            for (const pid_t runner : daemon.runners("simulated")) ::kill(runner, SIGKILL);
        const auto reply = client.receive();
        ASSERT_TRUE(reply);
        EXPECT_EQ(reply->status(), "ok") << reply->message();
    }

    EXPECT_EQ(daemon.stop().code, 0);
}

TEST(Faults, ARunnerThatHangsIsEndedAtItsTimeLimitAndItsCallsEndHonestly) {
    DaemonProcess daemon(
        "[[device]]\nname = \"sim0\"\nbackend = \"simulated\"\nbatch_timeout = \"300ms\"\n"
        "options = { fixed = \"60s\", per_row = \"0us\" }\n"
        "[[model]]\nname = \"echo\"\n"
        "inputs = [{ name = \"x\", type = \"FP32\", shape = [-1, 4] }]\n"
        "outputs = [{ name = \"echo\", type = \"FP32\", shape = [-1, 4] }]\n");
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());

    const RawReply reply = client.ask(request_frames(request_header("echo", {1, 4}), {1, 2, 3, 4}));

    EXPECT_EQ(reply.status(), "unavailable");
    EXPECT_NE(daemon.log().find("batch_timeout"), std::string::npos);
}

TEST(Faults, ADeviceWithoutItsRunnerProgramIsNotOfferedAndSaysWhy) {
    DaemonProcess daemon(echo_config() + "[[device]]\nname = \"npu0\"\nbackend = \"npu\"\n");
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());

    EXPECT_TRUE(daemon.wait_for_log("device_failed device=npu0"));
    EXPECT_NE(daemon.log().find("bunch-runner-npu"), std::string::npos);
    EXPECT_EQ(client.ask(request_frames(request_header("echo", {1, 4}), {1, 2, 3, 4})).status(),
              "ok");
    int code = 0;
    EXPECT_NE(daemon.http_get("/readyz", &code).find("npu0"), std::string::npos);
    EXPECT_EQ(code, 200);
}

TEST(Faults, AClientThatDiesCostsNobodyAnything) {
    // More work than the daemon needs to notice that the client is gone.
    DaemonProcess daemon(echo_config("10ms", "0us", "max_batch_rows = 1"));
    daemon.start_and_wait();
    {
        RawClient dying(daemon.data_endpoint());
        for (int i = 0; i < 3000; ++i)
            dying.send(request_frames(request_header("echo", {1, 4}), {1, 2, 3, 4}));
        ASSERT_TRUE(dying.receive());
    }
    RawClient other(daemon.data_endpoint());
    auto urgent = request_header("echo", {1, 4});
    (*urgent.mutable_parameters())["priority"].set_uint64_param(1);

    EXPECT_EQ(other.ask(request_frames(urgent, {1, 2, 3, 4})).status(), "ok");
    EXPECT_TRUE(daemon.wait_for_metric("bunch_replies_dropped_total{reason=\"client_left\"}", 1));
}

}  // namespace
}  // namespace bunch
