#include "client/control_client.h"

#include <gtest/gtest.h>

#include <thread>

#include "protocol/kserve_v2.pb.h"
#include "tests/client/fake_server.h"

namespace bunch {
namespace {

using namespace std::chrono_literals;

/// Answers one control request with `reply`.
std::jthread answer_once(const std::string& endpoint, ControlReply reply, std::string& method) {
    auto context = std::make_shared<zmq::context_t>();
    auto socket = std::make_shared<zmq::socket_t>(*context, zmq::socket_type::rep);
    socket->bind(endpoint);
    return std::jthread([context, socket, reply, &method] {
        zmq::message_t name;
        zmq::message_t body;
        static_cast<void>(socket->recv(name));
        static_cast<void>(socket->recv(body));
        method = name.to_string();
        socket->send(zmq::buffer(reply.status), zmq::send_flags::sndmore);
        socket->send(zmq::buffer(reply.message), zmq::send_flags::sndmore);
        socket->send(zmq::buffer(reply.body), zmq::send_flags::none);
    });
}

TEST(ControlClient, BringsTheAnswer) {
    TemporaryFolder folder;
    inference::ServerReadyResponse sent;
    sent.set_ready(true);
    std::string method;
    inference::ServerReadyResponse response;
    {
        const auto server =
            answer_once(folder.endpoint("control.sock"), control_reply(sent), method);
        const Status status =
            call_control(folder.endpoint("control.sock"), ControlMethod::server_ready,
                         inference::ServerReadyRequest(), response, 10s);
        EXPECT_TRUE(status.ok()) << status.to_string();
    }
    EXPECT_TRUE(response.ready());
    EXPECT_EQ(method, "ServerReady");
}

TEST(ControlClient, BringsTheServersRefusal) {
    TemporaryFolder folder;
    std::string method;
    inference::ModelReadyResponse response;
    const auto server =
        answer_once(folder.endpoint("control.sock"), control_failure(not_found("no 'x'")), method);

    EXPECT_EQ(call_control(folder.endpoint("control.sock"), ControlMethod::model_ready,
                           inference::ModelReadyRequest(), response, 10s),
              not_found("no 'x'"));
}

TEST(ControlClient, SaysWhereNobodyAnswers) {
    TemporaryFolder folder;
    inference::ServerReadyResponse response;
    const Status status = call_control(folder.endpoint("control.sock"), ControlMethod::server_ready,
                                       inference::ServerReadyRequest(), response, 1ms);
    EXPECT_EQ(status.code(), StatusCode::unavailable);
    EXPECT_NE(status.message().find(folder.endpoint("control.sock")), std::string::npos);

    EXPECT_EQ(call_control("nonsense", ControlMethod::server_ready, inference::ServerReadyRequest(),
                           response, 1ms)
                  .code(),
              StatusCode::unavailable);
}

TEST(ControlClient, GuessesTheControlEndpointOfADataEndpoint) {
    EXPECT_EQ(control_endpoint_for("ipc:///run/bunchd/data.sock"),
              "ipc:///run/bunchd/control.sock");
    EXPECT_EQ(control_endpoint_for("ipc:///data/bunchd.sock"), "");
    EXPECT_EQ(control_endpoint_for("tcp://host:4000"), "");
}

}  // namespace
}  // namespace bunch
