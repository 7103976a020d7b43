#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "client/connection.h"
#include "tests/client/fake_server.h"

namespace bunch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class ConnectionFaults : public testing::Test {
  protected:
    void connect(ConnectionOptions options) {
        if (options.endpoints.size() == 1) options.endpoints = {folder_.endpoint()};
        connection_ = Connection::open(std::move(options)).value();
    }

    void submit(Request request) {
        const auto id = connection_->submit(std::move(request), [this](Response& response) {
            answers_.push_back(std::move(response));
        });
        ASSERT_TRUE(id.ok()) << id.status().to_string();
    }

    /// What the server receives while the connection is polled.
    FakeServer::Received next_at(FakeServer& server) {
        std::optional<FakeServer::Received> received;
        const bool arrived = poll_until(
            *connection_, [&] { return received.has_value(); },
            [&] { received = server.receive(); });
        if (!arrived) throw std::runtime_error("no request reached the server");
        return *received;
    }

    bool answered(std::size_t count) {
        return poll_until(*connection_, [&] { return answers_.size() == count; });
    }

    TemporaryFolder folder_;
    std::unique_ptr<Connection> connection_;
    std::vector<Response> answers_;
};

TEST_F(ConnectionFaults, ResendsToAServerThatWasLostAndCameBack) {
    auto server = std::make_unique<FakeServer>(folder_.endpoint());
    connect({.max_resends = 100});
    submit(request_marked(5));
    const auto first = next_at(*server);

    server.reset();
    ASSERT_TRUE(poll_until(*connection_, [&] { return connection_->counters().reconnects > 0; }));
    server = std::make_unique<FakeServer>(folder_.endpoint());
    const auto second = next_at(*server);
    server->echo(second);
    ASSERT_TRUE(answered(1));

    EXPECT_EQ(second.header.id(), first.header.id());
    EXPECT_EQ(second.frames, first.frames);
    EXPECT_TRUE(answers_[0].status.ok());
    EXPECT_GE(connection_->counters().resent, 1u);
}

TEST_F(ConnectionFaults, ResendsLargeInputsToo) {
    auto server = std::make_unique<FakeServer>(folder_.endpoint());
    connect({.initial_credit_bytes = 1 << 30, .max_resends = 100});
    submit(request_marked(5, 100'000));
    const auto first = next_at(*server);

    server.reset();
    ASSERT_TRUE(poll_until(*connection_, [&] { return connection_->counters().reconnects > 0; }));
    server = std::make_unique<FakeServer>(folder_.endpoint());
    const auto second = next_at(*server);

    EXPECT_EQ(second.frames.at(0).size(), 800'000u);
    EXPECT_TRUE(second.frames == first.frames);
}

TEST_F(ConnectionFaults, ResendsWhatAServerForgotAndDropsTheSecondAnswer) {
    FakeServer server(folder_.endpoint());
    connect({.resend_after = 5ms, .max_resends = 1000});
    submit(request_marked(5));
    const auto first = next_at(server);
    const auto second = next_at(server);
    EXPECT_EQ(second.header.id(), first.header.id());

    server.echo(first);
    server.echo(second);
    ASSERT_TRUE(poll_until(*connection_, [&] { return connection_->counters().late > 0; }));

    EXPECT_EQ(answers_.size(), 1u);
}

TEST_F(ConnectionFaults, GivesUpAfterTheLastResend) {
    FakeServer server(folder_.endpoint());
    connect({.resend_after = 1ms, .max_resends = 2});
    submit(request_marked(5));

    ASSERT_TRUE(answered(1));

    EXPECT_EQ(answers_[0].status.code(), StatusCode::unavailable);
    EXPECT_THAT(answers_[0].status.message(), HasSubstr("sent 3 times: is bunchd running there?"));
}

TEST_F(ConnectionFaults, GivesUpOnAServerThatNeverWas) {
    connect({.resend_after = 1ms, .max_resends = 2});
    submit(request_marked(5));

    ASSERT_TRUE(answered(1));

    EXPECT_EQ(answers_[0].status.code(), StatusCode::unavailable);
    EXPECT_EQ(connection_->counters().sent, 1u) << "copies would only pile up in the queue";
}

TEST_F(ConnectionFaults, EndsARequestAtItsDeadlineThoughTheServerIsSilent) {
    FakeServer server(folder_.endpoint());
    connect({});
    Request request = request_marked(5);
    request.timeout = 5ms;
    submit(std::move(request));

    ASSERT_TRUE(answered(1));

    EXPECT_EQ(answers_[0].status.code(), StatusCode::deadline_exceeded);
    EXPECT_GE(answers_[0].elapsed, 5ms);
    server.echo(next_at(server));
    ASSERT_TRUE(poll_until(*connection_, [&] { return connection_->counters().late == 1; }));
}

TEST_F(ConnectionFaults, EndsARequestAtItsDeadlineThoughItNeverLeft) {
    FakeServer server(folder_.endpoint());
    connect({.initial_credit_bytes = 0});
    submit(request_marked(1));
    Request request = request_marked(2);
    request.timeout = 5ms;
    submit(std::move(request));
    EXPECT_EQ(connection_->waiting_requests(), 1u);

    ASSERT_TRUE(answered(1));

    EXPECT_EQ(answers_[0].status.code(), StatusCode::deadline_exceeded);
    EXPECT_EQ(connection_->waiting_requests(), 0u);
}

TEST_F(ConnectionFaults, IgnoresAndCountsGarbage) {
    FakeServer server(folder_.endpoint());
    connect({});
    submit(request_marked(5));
    const auto request = next_at(server);

    inference::ModelInferResponse response;
    response.set_id(request.header.id());
    auto* output = response.add_outputs();
    output->set_name("echo");
    output->set_datatype("FP32");
    output->add_shape(2);
    const std::string header = response.SerializeAsString();
    server.send(request.routing_id, {"\xff\xff"});
    server.send(request.routing_id, {header});                      // a frame is missing
    server.send(request.routing_id, {header, "12345678", "1234"});  // one too many
    server.send(request.routing_id, {header, "1234"});              // not the size of its shape
    server.send(request.routing_id, std::vector<std::string>(100, "x"));
    ASSERT_TRUE(poll_until(*connection_, [&] { return connection_->counters().garbage == 5; }));
    EXPECT_TRUE(answers_.empty());

    server.send(request.routing_id, {header, "12345678"});
    EXPECT_TRUE(answered(1));
}

TEST_F(ConnectionFaults, DropsAnswersToIdsThatItNeverGave) {
    FakeServer server(folder_.endpoint());
    connect({});
    submit(request_marked(5));
    auto request = next_at(server);
    const std::string id = request.header.id();

    for (const char* other : {"", "0", "-1", "abc", "99999999999999999999999", "65535"}) {
        request.header.set_id(other);
        server.echo(request);
    }
    ASSERT_TRUE(poll_until(*connection_, [&] { return connection_->counters().late == 6; }));
    EXPECT_TRUE(answers_.empty());

    request.header.set_id(id);
    server.echo(request);
    EXPECT_TRUE(answered(1));
}

TEST_F(ConnectionFaults, TurnsToTheNextEndpointWhenOneIsDead) {
    FakeServer server(folder_.endpoint("second.sock"));
    connect({.endpoints = {folder_.endpoint("first.sock"), folder_.endpoint("second.sock")},
             .connect_timeout = 100ms});
    submit(request_marked(5));

    server.echo(next_at(server));

    EXPECT_TRUE(answered(1));
}

TEST_F(ConnectionFaults, GivesUpWhenAllEndpointsAreDead) {
    connect({.endpoints = {folder_.endpoint("first.sock"), folder_.endpoint("second.sock")},
             .resend_after = 20ms,
             .max_resends = 2,
             .connect_timeout = 1ms});
    submit(request_marked(5));

    ASSERT_TRUE(answered(1));

    EXPECT_EQ(answers_[0].status.code(), StatusCode::unavailable);
    EXPECT_GE(answers_[0].elapsed, 60ms) << "turning to another endpoint is no resend";
}

}  // namespace
}  // namespace bunch
