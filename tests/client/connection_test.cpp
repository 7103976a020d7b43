#include "client/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/fake_server.h"

namespace bunch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

class ConnectionTest : public testing::Test {
  protected:
    std::unique_ptr<Connection> connect(ConnectionOptions options = {}) {
        options.endpoints = {folder_.endpoint()};
        return Connection::open(std::move(options)).value();
    }

    /// Submits and keeps what comes of it.
    RequestId submit(Connection& connection, Request request) {
        return connection
            .submit(std::move(request),
                    [this](Response& response) { answers_.push_back(std::move(response)); })
            .value();
    }

    TemporaryFolder folder_;
    FakeServer server_{folder_.endpoint()};
    std::vector<Response> answers_;
};

TEST_F(ConnectionTest, DeliversTheAnswerAndGivesTheRequestBack) {
    auto connection = connect();
    submit(*connection, request_marked(7));
    const auto received = server_.receive(10s);
    ASSERT_TRUE(received);

    server_.echo(*received);
    ASSERT_TRUE(poll_until(*connection, [&] { return !answers_.empty(); }));

    const Response& answer = answers_.front();
    EXPECT_TRUE(answer.status.ok()) << answer.status.to_string();
    EXPECT_EQ(answer.model, "echo");
    EXPECT_EQ(answer.version, "1");
    EXPECT_EQ(answer.device_class, "fake");
    EXPECT_THAT(answer.values<float>("echo"), ElementsAre(7, 7));
    EXPECT_TRUE(answer.values<double>("echo").empty());
    EXPECT_EQ(answer.output("other"), nullptr);
    EXPECT_EQ(answer.request.model, "echo");
    EXPECT_THAT(answer.request.inputs.at(0).values<float>(), ElementsAre(7, 7));
    EXPECT_GT(answer.elapsed, 0ns);
    EXPECT_EQ(connection->open_requests(), 0u);
    EXPECT_EQ(connection->counters().answered, 1u);
}

TEST_F(ConnectionTest, SendsTheHeaderThatTheProtocolDescribes) {
    auto connection = connect({.client = "tester"});
    Request request = request_marked(1);
    request.version = "3";
    request.outputs = {"echo"};
    request.timeout = 5s;
    request.priority = 1;
    request.tenant = "analysis";
    request.late_ok = true;

    submit(*connection, std::move(request));
    const auto received = server_.receive(10s);

    ASSERT_TRUE(received);
    const auto& header = received->header;
    EXPECT_EQ(header.model_name(), "echo");
    EXPECT_EQ(header.model_version(), "3");
    EXPECT_EQ(header.parameters().at("client").string_param(), "tester");
    EXPECT_EQ(header.parameters().at("priority").uint64_param(), 1u);
    EXPECT_EQ(header.parameters().at("tenant").string_param(), "analysis");
    EXPECT_TRUE(header.parameters().at("late_ok").bool_param());
    EXPECT_LE(header.parameters().at("timeout").int64_param(), 5'000'000);
    EXPECT_GT(header.parameters().at("timeout").int64_param(), 0);
    EXPECT_EQ(header.outputs(0).name(), "echo");
    EXPECT_EQ(header.inputs(0).datatype(), "FP32");
    EXPECT_THAT(received->frames, ElementsAre(testing::SizeIs(8)));
}

TEST_F(ConnectionTest, MatchesAnswersThatComeInAnotherOrder) {
    auto connection = connect();
    for (int i = 0; i < 3; ++i) submit(*connection, request_marked(static_cast<float>(i)));
    std::vector<FakeServer::Received> received;
    while (received.size() < 3) {
        auto next = server_.receive(10s);
        ASSERT_TRUE(next);
        received.push_back(*next);
    }

    for (std::size_t i = 3; i-- > 0;) server_.echo(received[i]);
    ASSERT_TRUE(poll_until(*connection, [&] { return answers_.size() == 3; }));

    for (const Response& answer : answers_) {
        EXPECT_EQ(answer.values<float>("echo")[0], answer.request.inputs[0].values<float>()[0]);
    }
}

TEST_F(ConnectionTest, ReportsAFailureWithItsCodeAndMessage) {
    auto connection = connect();
    submit(*connection, request_marked(1));
    const auto received = server_.receive(10s);
    ASSERT_TRUE(received);

    server_.refuse(*received, "not_found", "no model 'echo'");
    ASSERT_TRUE(poll_until(*connection, [&] { return !answers_.empty(); }));

    EXPECT_EQ(answers_[0].status, not_found("no model 'echo'"));
    EXPECT_TRUE(answers_[0].outputs.empty());
}

TEST_F(ConnectionTest, SendsLargeInputsWithoutLosingThem) {
    auto connection = connect({.initial_credit_bytes = 1 << 30});
    submit(*connection, request_marked(3, 100'000));
    std::optional<FakeServer::Received> received;
    ASSERT_TRUE(poll_until(
        *connection, [&] { return received.has_value(); }, [&] { received = server_.receive(); }));
    EXPECT_EQ(received->frames.at(0).size(), 800'000u);

    server_.echo(*received);
    ASSERT_TRUE(poll_until(*connection, [&] { return !answers_.empty(); }));

    const auto echoed = answers_[0].values<float>("echo");
    EXPECT_EQ(echoed.size(), 200'000u);
    EXPECT_TRUE(std::all_of(echoed.begin(), echoed.end(), [](float v) { return v == 3; }));
}

TEST_F(ConnectionTest, HoldsRequestsBackUntilTheCreditAllowsThem) {
    auto connection = connect({.initial_credit_bytes = 20, .max_waiting = 3});
    for (int i = 0; i < 5; ++i) submit(*connection, request_marked(static_cast<float>(i)));

    // Two of eight bytes fit into twenty, three wait.
    EXPECT_EQ(connection->counters().sent, 2u);
    EXPECT_EQ(connection->waiting_requests(), 3u);
    const auto refused = connection->submit(request_marked(9), {});
    EXPECT_EQ(refused.status().code(), StatusCode::resource_exhausted);
    EXPECT_THAT(refused.status().message(), HasSubstr("max_waiting = 3"));

    const auto first = server_.receive(10s);
    ASSERT_TRUE(first);
    server_.echo(*first, 1 << 20);
    ASSERT_TRUE(poll_until(*connection, [&] { return connection->counters().sent == 5; }));
    EXPECT_EQ(connection->waiting_requests(), 0u);
}

TEST_F(ConnectionTest, LetsOneRequestPassHoweverSmallTheCredit) {
    auto connection = connect({.initial_credit_bytes = 0});
    submit(*connection, request_marked(1));
    submit(*connection, request_marked(2));

    EXPECT_EQ(connection->counters().sent, 1u);
    ASSERT_TRUE(poll_until(
        *connection, [&] { return answers_.size() == 2; },
        [&] {
            if (const auto received = server_.receive()) server_.echo(*received, 0);
        }));
}

TEST_F(ConnectionTest, CancelsAnOpenRequestHereAndAtTheServer) {
    auto connection = connect({.client = "tester"});
    const RequestId id = submit(*connection, request_marked(1));
    const auto request = server_.receive(10s);
    ASSERT_TRUE(request);

    EXPECT_TRUE(connection->cancel(id));
    EXPECT_FALSE(connection->cancel(id));

    ASSERT_EQ(answers_.size(), 1u);
    EXPECT_EQ(answers_[0].status.code(), StatusCode::cancelled);
    const auto message = server_.receive(10s);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->header.id(), request->header.id());
    EXPECT_TRUE(message->header.parameters().at("cancel").bool_param());
    EXPECT_EQ(message->header.parameters().at("client").string_param(), "tester");

    server_.echo(*request);
    ASSERT_TRUE(poll_until(*connection, [&] { return connection->counters().late == 1; }));
    EXPECT_EQ(answers_.size(), 1u);
}

TEST_F(ConnectionTest, MayBeGivenTheNextRequestFromACallback) {
    auto connection = connect();
    int answered = 0;
    ResponseCallback again = [&](Response& response) {
        if (++answered == 5) return;
        ASSERT_TRUE(connection->submit(std::move(response.request), again).ok());
    };
    ASSERT_TRUE(connection->submit(request_marked(1), again).ok());

    EXPECT_TRUE(poll_until(
        *connection, [&] { return answered == 5; },
        [&] {
            if (const auto received = server_.receive()) server_.echo(*received);
        }));
}

TEST_F(ConnectionTest, MayBeToldToCancelFromACallbackThatStillLooksAtItsAnswer) {
    auto connection = connect();
    const RequestId other = submit(*connection, request_marked(1));
    std::vector<float> seen;
    const auto cancel_first = [&](Response& response) {
        EXPECT_TRUE(connection->cancel(other));
        EXPECT_TRUE(response.status.ok());
        const auto values = response.values<float>("echo");
        seen.assign(values.begin(), values.end());
    };
    ASSERT_TRUE(connection->submit(request_marked(2), cancel_first).ok());
    ASSERT_TRUE(server_.receive(10s));
    const auto second = server_.receive(10s);
    ASSERT_TRUE(second);

    server_.echo(*second);
    ASSERT_TRUE(poll_until(*connection, [&] { return connection->open_requests() == 0; }));

    EXPECT_THAT(seen, ElementsAre(2, 2));
    ASSERT_EQ(answers_.size(), 1u);
    EXPECT_EQ(answers_.front().status.code(), StatusCode::cancelled);
}

TEST_F(ConnectionTest, TakesTheLongestTimeoutForNoTimeout) {
    auto connection = connect();
    Request request = request_marked(3);
    request.timeout = Duration::max();
    submit(*connection, std::move(request));
    const auto received = server_.receive(10s);
    ASSERT_TRUE(received);

    server_.echo(*received);
    ASSERT_TRUE(poll_until(*connection, [&] { return !answers_.empty(); }));

    EXPECT_TRUE(answers_.front().status.ok()) << answers_.front().status.to_string();
}

TEST_F(ConnectionTest, WaitsBeyondTheTimeoutForAnAnswerThatMayBeLate) {
    auto connection = connect({.deadline_grace = 0ns});
    Request request = request_marked(3);
    request.timeout = 1us;
    request.late_ok = true;
    submit(*connection, std::move(request));
    const auto received = server_.receive(10s);
    ASSERT_TRUE(received);
    connection->poll(1ms);  // the timeout is over
    ASSERT_TRUE(answers_.empty());

    server_.echo(*received);
    ASSERT_TRUE(poll_until(*connection, [&] { return !answers_.empty(); }));

    EXPECT_TRUE(answers_.front().status.ok()) << answers_.front().status.to_string();
}

TEST_F(ConnectionTest, RefusesRequestsAndOptionsThatNoServerCouldTake) {
    auto connection = connect();
    Request request = request_marked(1);
    request.inputs[0].shape = Shape{1, 3};
    EXPECT_EQ(connection->submit(std::move(request), {}).status().message(),
              "input 'x' has 8 bytes, FP32 [1,3] needs 12");
    EXPECT_EQ(connection->submit(Request{}, {}).status().code(), StatusCode::invalid_argument);
    Request long_tenant = request_marked(1);
    long_tenant.tenant = std::string(129, 't');
    EXPECT_EQ(connection->submit(std::move(long_tenant), {}).status().message(),
              "the tenant's name has 129 bytes, the limit is 128");

    EXPECT_THAT(Connection::open({.endpoints = {"nonsense"}}).status().message(),
                HasSubstr("cannot connect to 'nonsense'"));
    EXPECT_FALSE(Connection::open({.endpoints = {}}).ok());
    EXPECT_THAT(Connection::open({.client = std::string(129, 'c')}).status().message(),
                HasSubstr("the limit is 128"));
}

}  // namespace
}  // namespace bunch
