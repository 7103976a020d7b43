#include "client/client.h"

#include <gtest/gtest.h>

#include <atomic>

#include "tests/client/fake_server.h"

namespace bunch {
namespace {

using namespace std::chrono_literals;

/// A fake server that echoes on a thread of its own.
class EchoThread {
  public:
    explicit EchoThread(const std::string& endpoint)
        : thread_([endpoint](const std::stop_token& stop) {
              FakeServer server(endpoint);
              while (!stop.stop_requested()) {
                  if (const auto received = server.receive(20ms)) server.echo(*received);
              }
          }) {}

  private:
    std::jthread thread_;
};

TEST(Client, AnswersThroughFuturesFromManyThreads) {
    TemporaryFolder folder;
    EchoThread server(folder.endpoint());
    auto client = Client::open({.endpoints = {folder.endpoint()}}).value();
    std::atomic<int> right{0};
    {
        std::vector<std::jthread> users;
        for (int user = 0; user < 4; ++user) {
            users.emplace_back([&, user] {
                for (int i = 0; i < 50; ++i) {
                    const auto mark = static_cast<float>(user * 1000 + i);
                    const Response answer = client->infer(request_marked(mark)).get();
                    const auto values = answer.values<float>("echo");
                    if (values.size() == 2 && values[0] == mark) ++right;
                }
            });
        }
    }
    EXPECT_EQ(right, 200);
}

TEST(Client, AnswersThroughCallbacksThatMayAskAgain) {
    TemporaryFolder folder;
    EchoThread server(folder.endpoint());
    auto client = Client::open({.endpoints = {folder.endpoint()}}).value();
    std::promise<int> done;
    int answered = 0;
    ResponseCallback again = [&](Response& response) {
        if (++answered == 10) return done.set_value(answered);
        client->infer(std::move(response.request), again);
    };

    client->infer(request_marked(1), again);

    auto future = done.get_future();
    ASSERT_EQ(future.wait_for(10s), std::future_status::ready);
    EXPECT_EQ(future.get(), 10);
}

TEST(Client, ReportsARequestThatCannotBeSent) {
    TemporaryFolder folder;
    auto client = Client::open({.endpoints = {folder.endpoint()}}).value();
    EXPECT_EQ(client->infer_sync(Request{}).status.code(), StatusCode::invalid_argument);
}

TEST(Client, EndsOpenRequestsWhenItIsClosed) {
    TemporaryFolder folder;
    FakeServer silent(folder.endpoint());
    auto client = Client::open({.endpoints = {folder.endpoint()}}).value();
    auto future = client->infer(request_marked(1));
    ASSERT_TRUE(silent.receive(10s));

    client.reset();

    ASSERT_EQ(future.wait_for(10s), std::future_status::ready);
    EXPECT_EQ(future.get().status.code(), StatusCode::cancelled);
}

TEST(Client, AnswersWhatACallbackAsksWhileItIsClosed) {
    TemporaryFolder folder;
    FakeServer silent(folder.endpoint());
    auto client = Client::open({.endpoints = {folder.endpoint()}}).value();
    Client* const open_client = client.get();
    std::vector<StatusCode> codes;
    client->infer(request_marked(1), [&](Response& first) {
        codes.push_back(first.status.code());
        open_client->infer(request_marked(2), [&](Response& second) {
            codes.push_back(second.status.code());
            open_client->infer(request_marked(3),
                               [&](Response& third) { codes.push_back(third.status.code()); });
        });
    });
    ASSERT_TRUE(silent.receive(10s));

    client.reset();

    EXPECT_EQ(codes, std::vector<StatusCode>(3, StatusCode::cancelled));
}

}  // namespace
}  // namespace bunch
