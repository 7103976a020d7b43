// The daemon serves: right answers, large requests, many clients, and what it tells of itself.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>

#include "protocol/bunch_status.pb.h"
#include "protocol/control.h"
#include "tests/integration/daemon_process.h"
#include "tests/integration/raw_client.h"

namespace bunch {
namespace {

std::vector<float> counting(std::size_t count, float start) {
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = start + static_cast<float>(i);
    return values;
}

TEST(Serve, AnswersARequestWithItsOwnRowsAndSaysWhatMadeThem) {
    DaemonProcess daemon(echo_config());
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());

    const RawReply reply =
        client.ask(request_frames(request_header("echo", {2, 4}, "seven"), counting(8, 1)));

    EXPECT_EQ(reply.status(), "ok") << reply.message();
    EXPECT_EQ(reply.header.id(), "seven");
    EXPECT_EQ(reply.header.model_name(), "echo");
    EXPECT_EQ(reply.header.model_version(), "1");
    ASSERT_EQ(reply.header.outputs_size(), 1);
    EXPECT_EQ(reply.header.outputs(0).name(), "echo");
    EXPECT_EQ(reply.header.outputs(0).shape(0), 2);
    EXPECT_EQ(reply.header.parameters().at("device_class").string_param(), "simulated");
    EXPECT_EQ(reply.header.parameters().at("precision").string_param(), "f32");
    EXPECT_GT(reply.header.parameters().at("credit_bytes").int64_param(), 0);
    EXPECT_EQ(reply.floats(0), counting(8, 1));
}

TEST(Serve, NoAnswerBelongsToAnotherQuestion) {
    constexpr int kClients = 8;
    constexpr int kRequests = 500;
    DaemonProcess daemon(echo_config("200us", "1us"));
    daemon.start_and_wait();
    std::vector<std::unique_ptr<RawClient>> clients;

    for (int c = 0; c < kClients; ++c) {
        clients.push_back(std::make_unique<RawClient>(daemon.data_endpoint()));
        for (int r = 0; r < kRequests; ++r) {
            const auto rows = static_cast<std::int64_t>(1 + r % 3);
            clients.back()->send(
                request_frames(request_header("echo", {rows, 4}, std::to_string(r)),
                               counting(static_cast<std::size_t>(rows) * 4,
                                        static_cast<float>(c * 10000 + r * 16))));
        }
    }

    for (int c = 0; c < kClients; ++c) {
        std::map<int, int> answers;
        for (int r = 0; r < kRequests; ++r) {
            const auto reply = clients[static_cast<std::size_t>(c)]->receive();
            ASSERT_TRUE(reply);
            ASSERT_EQ(reply->status(), "ok") << reply->message();
            const int id = std::stoi(reply->header.id());
            ++answers[id];
            const auto values = static_cast<std::size_t>(1 + id % 3) * 4;
            ASSERT_EQ(reply->floats(0), counting(values, static_cast<float>(c * 10000 + id * 16)));
        }
        EXPECT_EQ(answers.size(), static_cast<std::size_t>(kRequests));
    }
    EXPECT_GT(daemon.metric("bunch_batch_rows_sum"), daemon.metric("bunch_batch_rows_count"));
}

TEST(Serve, SplitsALargeRequestOverBatchesAndJoinsItsRowsInOrder) {
    DaemonProcess daemon(echo_config("100us", "0us", "max_batch_rows = 32"));
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());

    const RawReply reply =
        client.ask(request_frames(request_header("echo", {10001, 4}), counting(40004, 0)));

    EXPECT_EQ(reply.status(), "ok") << reply.message();
    EXPECT_EQ(reply.floats(0), counting(40004, 0));
}

TEST(Serve, TellsWhyEachBatchWasClosedAndHowWellItsTimeWasPredicted) {
    DaemonProcess daemon(echo_config("1ms", "0us", "max_batch_rows = 8"));
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());

    for (int i = 0; i < 50; ++i) {
        const RawReply reply =
            client.ask(request_frames(request_header("echo", {16, 4}), counting(64, 0)));
        ASSERT_EQ(reply.status(), "ok") << reply.message();
    }

    EXPECT_EQ(daemon.metric("bunch_batches_closed_rows_total"), 800);
    EXPECT_EQ(daemon.metric("bunch_batches_closed_total"), daemon.metric("bunch_batches_total"));
    EXPECT_EQ(daemon.metric("bunch_run_rows_total"), 800);
    EXPECT_GE(daemon.metric("bunch_run_compute_seconds_total"), 0.1);
    EXPECT_GT(daemon.metric("bunch_run_useful_seconds_total"), 0);
    EXPECT_LE(daemon.metric("bunch_run_useful_seconds_total"),
              daemon.metric("bunch_run_compute_seconds_total") * 1.0001);
}

TEST(Serve, RunsAModelThatIsNotBatchedOneCallAtATime) {
    DaemonProcess daemon(
        "[[device]]\nname = \"sim0\"\nbackend = \"simulated\"\n"
        "[[model]]\nname = \"whole\"\nbatched = false\n"
        "inputs = [{ name = \"x\", type = \"FP32\", shape = [3, 2] }]\n"
        "outputs = [{ name = \"y\", type = \"FP32\", shape = [3, 2] }]\n");
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());
    for (int i = 0; i < 20; ++i)
        client.send(request_frames(request_header("whole", {3, 2}, std::to_string(i)),
                                   counting(6, static_cast<float>(i))));

    for (int i = 0; i < 20; ++i) {
        const auto reply = client.receive();
        ASSERT_TRUE(reply);
        EXPECT_EQ(reply->status(), "ok") << reply->message();
        EXPECT_EQ(reply->header.outputs(0).shape(0), 3);
        EXPECT_EQ(reply->floats(0), counting(6, std::stof(reply->header.id())));
    }
    EXPECT_EQ(daemon.metric("bunch_batch_rows_sum"), 20);
    EXPECT_EQ(daemon.metric("bunch_batch_rows_count"), 20);
}

TEST(Serve, RunsAModelWhoseTensorsAreScalars) {
    DaemonProcess daemon(
        "[[device]]\nname = \"sim0\"\nbackend = \"simulated\"\n"
        "[[model]]\nname = \"scalar\"\nbatched = false\n"
        "inputs = [{ name = \"x\", type = \"FP32\", shape = [] }]\n"
        "outputs = [{ name = \"y\", type = \"FP32\", shape = [] }]\n");
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());

    const RawReply reply = client.ask(request_frames(request_header("scalar", {}), {7}));

    EXPECT_EQ(reply.status(), "ok") << reply.message();
    ASSERT_EQ(reply.header.outputs_size(), 1);
    EXPECT_EQ(reply.header.outputs(0).shape_size(), 0);
    EXPECT_EQ(reply.floats(0), std::vector<float>{7});
}

TEST(Serve, SendsOnlyTheOutputsThatWereAskedFor) {
    DaemonProcess daemon(
        "[[device]]\nname = \"sim0\"\nbackend = \"simulated\"\n"
        "[[model]]\nname = \"two\"\n"
        "inputs = [{ name = \"x\", type = \"FP32\", shape = [-1, 2] }]\n"
        "outputs = [{ name = \"first\", type = \"FP32\", shape = [-1, 2] },\n"
        "           { name = \"second\", type = \"FP32\", shape = [-1, 4] }]\n");
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());
    auto header = request_header("two", {1, 2});
    header.add_outputs()->set_name("second");

    const RawReply reply = client.ask(request_frames(header, {5, 6}));

    ASSERT_EQ(reply.header.outputs_size(), 1);
    EXPECT_EQ(reply.header.outputs(0).name(), "second");
    ASSERT_EQ(reply.frames.size(), 1u);
    EXPECT_EQ(reply.floats(0), (std::vector<float>{5, 6, 5, 6}));
}

TEST(Serve, RefusesADeadlineThatPassesInTheQueue) {
    DaemonProcess daemon(echo_config("50ms", "0us", "max_batch_rows = 1"));
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());
    for (int i = 0; i < 20; ++i) {
        auto header = request_header("echo", {1, 4}, std::to_string(i));
        (*header.mutable_parameters())["timeout"].set_int64_param(120000);
        client.send(request_frames(header, {1, 2, 3, 4}));
    }

    std::map<std::string, int> outcomes;
    for (int i = 0; i < 20; ++i) {
        const auto reply = client.receive();
        ASSERT_TRUE(reply);
        ++outcomes[reply->status()];
    }

    EXPECT_GT(outcomes["ok"], 0);
    EXPECT_GT(outcomes["deadline_exceeded"], 10);
    EXPECT_EQ(outcomes["ok"] + outcomes["deadline_exceeded"], 20);
}

TEST(Serve, ACancelledRequestGetsNoAnswerAndLeavesTheQueue) {
    DaemonProcess daemon(echo_config("20ms", "0us", "max_batch_rows = 1"));
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());
    for (int i = 0; i < 10; ++i)
        client.send(
            request_frames(request_header("echo", {1, 4}, std::to_string(i)), {1, 2, 3, 4}));
    inference::ModelInferRequest cancel;
    cancel.set_id("9");
    (*cancel.mutable_parameters())["client"].set_string_param("raw");
    (*cancel.mutable_parameters())["cancel"].set_bool_param(true);
    client.send({cancel.SerializeAsString()});

    std::vector<std::string> ids;
    for (int i = 0; i < 9; ++i) {
        const auto reply = client.receive();
        ASSERT_TRUE(reply);
        ids.push_back(reply->header.id());
    }
    const RawReply last =
        client.ask(request_frames(request_header("echo", {1, 4}, "last"), {1, 2, 3, 4}));

    EXPECT_EQ(std::count(ids.begin(), ids.end(), "9"), 0);
    EXPECT_EQ(last.header.id(), "last");
    EXPECT_EQ(
        daemon.metric("bunch_requests_total{model=\"echo\",version=\"1\",outcome=\"cancelled\"}"),
        1);
}

TEST(Serve, ControlEndpointTellsOfServerAndModels) {
    DaemonProcess daemon(echo_config());
    daemon.start_and_wait();
    RawClient control(daemon.control_endpoint());
    const auto ask = [&](ControlMethod method, const google::protobuf::MessageLite& request,
                         google::protobuf::MessageLite& response) {
        control.send({std::string(name_of(method)), request.SerializeAsString()});
        std::vector<std::string> frames;
        zmq::message_t frame;
        do {
            if (!control.socket().recv(frame)) break;
            frames.push_back(frame.to_string());
        } while (frame.more());
        std::vector<std::span<const std::byte>> views;
        for (const auto& text : frames) views.push_back(std::as_bytes(std::span(text)));
        return decode_control_reply(views, response);
    };

    inference::ServerReadyResponse ready;
    ASSERT_TRUE(ask(ControlMethod::server_ready, inference::ServerReadyRequest(), ready).ok());
    EXPECT_TRUE(ready.ready());

    inference::ModelMetadataRequest which;
    which.set_name("echo");
    inference::ModelMetadataResponse metadata;
    ASSERT_TRUE(ask(ControlMethod::model_metadata, which, metadata).ok());
    EXPECT_EQ(metadata.inputs(0).shape(0), -1);
    EXPECT_EQ(metadata.inputs(0).datatype(), "FP32");

    inference::ModelConfigRequest config_of;
    config_of.set_name("echo");
    inference::ModelConfigResponse config;
    ASSERT_TRUE(ask(ControlMethod::model_config, config_of, config).ok());
    EXPECT_GT(config.config().max_batch_size(), 0);
    EXPECT_EQ(config.config().input(0).dims_size(), 1);

    inference::RepositoryIndexResponse index;
    ASSERT_TRUE(
        ask(ControlMethod::repository_index, inference::RepositoryIndexRequest(), index).ok());
    EXPECT_EQ(index.models(0).state(), "READY");

    inference::ModelStatisticsResponse statistics;
    ASSERT_TRUE(
        ask(ControlMethod::model_statistics, inference::ModelStatisticsRequest(), statistics).ok());
    EXPECT_EQ(statistics.model_stats(0).name(), "echo");

    v1::StatusResponse status;
    ASSERT_TRUE(ask(ControlMethod::status, v1::StatusRequest(), status).ok());
    EXPECT_EQ(status.devices(0).state(), "up");
    EXPECT_EQ(status.models(0).devices(0), "sim0");

    which.set_name("nothing");
    EXPECT_EQ(ask(ControlMethod::model_metadata, which, metadata).code(), StatusCode::not_found);
}

TEST(Serve, StatesOfADeviceAddUpToItsWallClockTime) {
    DaemonProcess daemon(echo_config("5ms"));
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());
    const auto all_states = [&] { return daemon.metric("bunch_device_state_seconds_total"); };
    const double before = all_states();
    const auto begin = std::chrono::steady_clock::now();
    // Lanes publish every 100 ms, while a batch runs only up to its start.
    constexpr double kSlack = 0.35;

    for (int i = 0; i < 300; ++i)
        client.ask(request_frames(request_header("echo", {1, 4}), {1, 2, 3, 4}));

    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
    const double lanes = daemon.metric("bunch_device_lanes");
    EXPECT_NEAR((all_states() - before) / lanes, wall.count(), kSlack);
    EXPECT_GT(daemon.metric("bunch_device_state_seconds_total{device=\"sim0\",backend="
                            "\"simulated\",state=\"compute\"}"),
              1.0);
}

}  // namespace
}  // namespace bunch
