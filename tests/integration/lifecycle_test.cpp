// From start to exit code: health pages, drain, wrong configurations, two daemons.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>

#include "tests/integration/daemon_process.h"
#include "tests/integration/raw_client.h"

namespace bunch {
namespace {

TEST(Lifecycle, HealthPagesAndMetricsAnswer) {
    DaemonProcess daemon(echo_config());
    daemon.start_and_wait();
    int code = 0;

    daemon.http_get("/healthz", &code);
    EXPECT_EQ(code, 200);
    daemon.http_get("/readyz", &code);
    EXPECT_EQ(code, 200);
    EXPECT_NE(daemon.http_get("/metrics").find("bunch_device_lanes{"), std::string::npos);
    EXPECT_EQ(daemon.stop().code, 0);
}

TEST(Lifecycle, DrainEndsQueuedWorkAndRefusesNew) {
    DaemonProcess daemon(echo_config("50ms", "0us", "max_batch_rows = 1"));
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());
    for (int i = 0; i < 10; ++i)
        client.send(
            request_frames(request_header("echo", {1, 4}, std::to_string(i)), {1, 2, 3, 4}));
    ASSERT_TRUE(client.receive());  // so all ten have arrived

    daemon.signal(SIGTERM);
    ASSERT_TRUE(daemon.wait_for_log("drain"));
    int served = 1;
    int refused = 0;
    client.send(request_frames(request_header("echo", {1, 4}, "late"), {1, 2, 3, 4}));
    for (int i = 0; i < 10; ++i) {
        const auto reply = client.receive();
        ASSERT_TRUE(reply);
        if (reply->status() == "ok") ++served;
        if (reply->status() == "unavailable") ++refused;
    }

    EXPECT_EQ(served, 10);
    EXPECT_EQ(refused, 1);
    EXPECT_EQ(daemon.wait().code, 0);
}

TEST(Lifecycle, WhatDoesNotEndInTimeIsToldSo) {
    DaemonProcess daemon(echo_config("20s", "0us", "max_batch_rows = 1"), "",
                         "drain_timeout = \"100ms\"");
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());
    client.send(request_frames(request_header("echo", {1, 4}), {1, 2, 3, 4}));
    client.send(request_frames(request_header("nothing", {1, 4}), {1, 2, 3, 4}));
    ASSERT_TRUE(client.receive());  // the second is refused at once, so the first is queued

    daemon.signal(SIGTERM);

    const auto reply = client.receive();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status(), "unavailable");
    EXPECT_EQ(daemon.wait().code, 0);
}

TEST(Lifecycle, WhatWasLearntOfRunTimesIsThereAfterARestart) {
    DaemonProcess daemon(echo_config("1ms"));
    daemon.start_and_wait();
    {
        RawClient client(daemon.data_endpoint());
        for (int i = 0; i < 20; ++i)
            client.ask(request_frames(request_header("echo", {1, 4}), {1, 2, 3, 4}));
    }
    ASSERT_EQ(daemon.stop().code, 0);
    EXPECT_EQ(daemon.log().find("curves_recalled"), std::string::npos);

    daemon.start();

    EXPECT_TRUE(daemon.wait_for_log("curves_recalled curves=1")) << daemon.log();
}

TEST(Lifecycle, ACorruptFileOfLearntTimesIsReportedOnceAndReplaced) {
    DaemonProcess daemon(echo_config("1ms"));
    const std::string path = daemon.folder() + "/state/curves.toml";
    std::filesystem::create_directories(daemon.folder() + "/state");
    std::ofstream(path) << "this = is not ours";
    daemon.start_and_wait();
    EXPECT_NE(daemon.log().find("curves_unusable"), std::string::npos) << daemon.log();
    {
        RawClient client(daemon.data_endpoint());
        EXPECT_EQ(client.ask(request_frames(request_header("echo", {1, 4}), {1, 2, 3, 4})).status(),
                  "ok");
    }

    ASSERT_EQ(daemon.stop().code, 0);

    std::string first_line;
    std::ifstream file(path);
    std::getline(file, first_line);
    EXPECT_NE(first_line.find("Written by bunchd"), std::string::npos) << first_line;
}

TEST(Lifecycle, AWrongConfigurationEndsTheStartWithEveryProblem) {
    DaemonProcess daemon(
        "[[device]]\nname = \"a\"\nbackend = \"simulated\"\nlanes = -1\n"
        "[[model]]\nname = \"m\"\ndevices = [\"b\"]\nobjective = \"5\"\n");
    daemon.start();

    EXPECT_EQ(daemon.wait().code, 78);
    EXPECT_NE(daemon.log().find("lanes"), std::string::npos) << daemon.log();
    EXPECT_NE(daemon.log().find("no unit"), std::string::npos) << daemon.log();
    EXPECT_NE(daemon.log().find("\"b\""), std::string::npos) << daemon.log();
}

TEST(Lifecycle, ASecondDaemonOnTheSameEndpointsDoesNotStart) {
    DaemonProcess first(echo_config());
    first.start_and_wait();
    DaemonProcess second(echo_config());
    std::ofstream(second.folder() + "/bunchd.toml")
        << std::ifstream(first.folder() + "/bunchd.toml").rdbuf();

    second.start();

    EXPECT_EQ(second.wait().code, 1);
    EXPECT_NE(second.log().find("start_failed"), std::string::npos);
    RawClient client(first.data_endpoint());
    EXPECT_EQ(client.ask(request_frames(request_header("echo", {1, 4}), {1, 2, 3, 4})).status(),
              "ok");
}

TEST(Lifecycle, AModelThatCannotBeLoadedIsRefusedAndTheOthersAreServed) {
    DaemonProcess daemon(echo_config() +
                         "[[model]]\nname = \"broken\"\ndevices = [\"sim0\"]\n"
                         "inputs = [{ name = \"x\", type = \"FP32\", shape = [-1, 4] }]\n"
                         "outputs = [{ name = \"y\", type = \"INT8\", shape = [-1, 4] }]\n");
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());

    EXPECT_NE(daemon.log().find("model_refused model=broken"), std::string::npos);
    EXPECT_EQ(client.ask(request_frames(request_header("broken", {1, 4}), {1, 2, 3, 4})).status(),
              "unavailable");
    EXPECT_EQ(client.ask(request_frames(request_header("echo", {1, 4}), {1, 2, 3, 4})).status(),
              "ok");
}

TEST(Lifecycle, ACorruptOnnxFileIsRefusedByNameAndTheOthersAreServed) {
    DaemonProcess daemon(echo_config() +
                         "[[device]]\nname = \"cpu0\"\nbackend = \"cpu\"\nlanes = 1\n"
                         "[[model]]\nname = \"corrupt\"\ndevices = [\"cpu0\"]\n"
                         "path = \"corrupt.onnx\"\n");
    if (!daemon.has_runner("cpu")) GTEST_SKIP() << "the CPU runner is not built";
    std::ofstream(daemon.folder() + "/corrupt.onnx") << "this is no protobuf";
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());

    EXPECT_NE(daemon.log().find("model_refused model=corrupt"), std::string::npos);
    EXPECT_NE(daemon.log().find("corrupt.onnx: not an ONNX file"), std::string::npos);
    EXPECT_EQ(client.ask(request_frames(request_header("echo", {1, 4}), {1, 2, 3, 4})).status(),
              "ok");
}

TEST(Lifecycle, AStateFolderThatCannotBeMadeEndsTheStartWithItsName) {
    DaemonProcess daemon(echo_config());
    std::ofstream(daemon.folder() + "/state") << "a file is in the way";

    daemon.start();

    EXPECT_EQ(daemon.wait().code, 1);
    EXPECT_NE(daemon.log().find("server.state_dir"), std::string::npos) << daemon.log();
}

}  // namespace
}  // namespace bunch
