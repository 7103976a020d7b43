// Whatever a client sends, it gets the status of the architecture's table, and others notice
// nothing.
#include <gtest/gtest.h>

#include <random>

#include "tests/integration/daemon_process.h"
#include "tests/integration/raw_client.h"

namespace bunch {
namespace {

class BadInput : public testing::Test {
  protected:
    BadInput()
        : daemon_(echo_config("0us", "0us", "max_rows_per_request = 100\nmax_queued_rows = 150"),
                  "max_frame_bytes = \"64KiB\"\nmax_message_bytes = \"256KiB\"\n"
                  "max_frames_per_message = 4\nclient_credit_bytes = \"128KiB\"") {}

    void SetUp() override {
        daemon_.start_and_wait();
        client_.emplace(daemon_.data_endpoint());
        other_.emplace(daemon_.data_endpoint());
    }

    /// Another client is served as before.
    void TearDown() override {
        const RawReply reply =
            other_->ask(request_frames(request_header("echo", {1, 4}), {1, 2, 3, 4}));
        EXPECT_EQ(reply.status(), "ok") << reply.message();
        EXPECT_EQ(daemon_.stop().code, 0);
    }

    void expect(const std::vector<std::string>& frames, const std::string& status,
                const std::string& message) {
        const RawReply reply = client_->ask(frames);
        EXPECT_EQ(reply.status(), status);
        EXPECT_NE(reply.message().find(message), std::string::npos) << reply.message();
        EXPECT_TRUE(reply.frames.empty());
    }

    DaemonProcess daemon_;
    std::optional<RawClient> client_;
    std::optional<RawClient> other_;
};

TEST_F(BadInput, AnUnknownModelIsNotFound) {
    expect(request_frames(request_header("nothing", {1, 4}), {1, 2, 3, 4}), "not_found",
           "Request for unknown model: 'nothing'");
}

TEST_F(BadInput, AnUnknownVersionIsNotFound) {
    auto header = request_header("echo", {1, 4});
    header.set_model_version("9");
    expect(request_frames(header, {1, 2, 3, 4}), "not_found", "has no version '9' (there is 1)");
}

TEST_F(BadInput, AWrongElementTypeIsNamed) {
    auto header = request_header("echo", {1, 4});
    header.mutable_inputs(0)->set_datatype("INT32");
    expect(request_frames(header, {1, 2, 3, 4}), "invalid_argument", "INT32");
}

TEST_F(BadInput, AWrongShapeIsNamed) {
    expect(request_frames(request_header("echo", {1, 5}), {1, 2, 3, 4, 5}), "invalid_argument",
           "[1,5]");
}

TEST_F(BadInput, TooManyRowsAreNamed) {
    expect(request_frames(request_header("echo", {101, 4}), std::vector<float>(404)),
           "invalid_argument", "101");
}

TEST_F(BadInput, NoRowsAreNamed) {
    expect(request_frames(request_header("echo", {0, 4}), {}), "invalid_argument", "0");
}

TEST_F(BadInput, AMissingFrameIsNamed) {
    expect({request_header("echo", {1, 4}).SerializeAsString()}, "invalid_argument", "frame");
}

TEST_F(BadInput, ASuperfluousFrameIsNamed) {
    auto frames = request_frames(request_header("echo", {1, 4}), {1, 2, 3, 4});
    frames.push_back("more");
    expect(frames, "invalid_argument", "frame");
}

TEST_F(BadInput, AFrameOfTheWrongSizeIsNamed) {
    expect(request_frames(request_header("echo", {2, 4}), {1, 2, 3, 4}), "invalid_argument", "16");
}

TEST_F(BadInput, AnUnknownInputIsNamed) {
    auto header = request_header("echo", {1, 4});
    header.mutable_inputs(0)->set_name("y");
    expect(request_frames(header, {1, 2, 3, 4}), "invalid_argument", "'y'");
}

TEST_F(BadInput, ContentsInTheHeaderAreRefusedWithTheRemedy) {
    auto header = request_header("echo", {1, 4});
    header.add_raw_input_contents("0123456789abcdef");
    expect({header.SerializeAsString()}, "invalid_argument", "frame");
}

TEST_F(BadInput, TooManyFramesAreRefused) {
    expect(std::vector<std::string>(200, "x"), "invalid_argument", "");
    auto frames = request_frames(request_header("echo", {1, 4}), {1, 2, 3, 4});
    for (int i = 0; i < 200; ++i) frames.push_back("x");
    expect(frames, "invalid_argument", "202 frames, the server takes 4");
}

TEST_F(BadInput, ATooLargeFrameIsRefused) {
    auto frames = request_frames(request_header("echo", {1, 4}), {});
    frames[1] = std::string(65537, 'x');
    expect(frames, "invalid_argument", "frame 1 has 65537 bytes");
}

TEST_F(BadInput, GarbageIsRefusedOrIgnoredButNeverHarms) {
    constexpr unsigned kSeed = 20261120;
    RecordProperty("seed", static_cast<int>(kSeed));
    std::mt19937 random(kSeed);
    const std::string good = request_header("echo", {1, 4}).SerializeAsString();
    int refused = 0;
    for (int portion = 0; portion < 20; ++portion) {  // so that the replies stay within the credit
        for (int i = 0; i < 100; ++i) {
            std::string header = good;
            for (unsigned k = 0; k <= random() % 4; ++k)
                header[random() % header.size()] = static_cast<char>(random());
            if (i % 3 == 0) header.resize(random() % good.size());
            client_->send({header, std::string(random() % 40, 'x')});
        }
        client_->send(request_frames(request_header("echo", {1, 4}, "the end"), {1, 2, 3, 4}));
        for (bool done = false; !done;) {
            const auto reply = client_->receive();
            ASSERT_TRUE(reply) << "seed " << kSeed;
            refused += reply->status() == "ok" ? 0 : 1;
            done = reply->header.id() == "the end";
        }
    }
    EXPECT_GT(refused, 1000) << "seed " << kSeed;
}

TEST_F(BadInput, AMessageAboveTheHardLimitEndsOnlyThatConnection) {
    client_->send({request_header("echo", {1, 4}).SerializeAsString(), std::string(1 << 20, 'x')});
    // libzmq closes the connection and the client's socket makes a new one.
    const RawReply reply =
        client_->ask(request_frames(request_header("echo", {1, 4}, "after"), {1, 2, 3, 4}));
    EXPECT_EQ(reply.header.id(), "after");
    EXPECT_EQ(reply.status(), "ok");
}

TEST(Overload, ARequestWhoseAnswerWouldBeTooLargeIsRefused) {
    DaemonProcess daemon(
        "[[device]]\nname = \"sim0\"\nbackend = \"simulated\"\n"
        "[[model]]\nname = \"wide\"\n"
        "inputs = [{ name = \"x\", type = \"FP32\", shape = [-1, 1] }]\n"
        "outputs = [{ name = \"y\", type = \"FP32\", shape = [-1, 1000] }]\n",
        "max_message_bytes = \"1MiB\"\nmax_frame_bytes = \"1MiB\"");
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());

    const RawReply fits =
        client.ask(request_frames(request_header("wide", {250, 1}), std::vector<float>(250)));
    const RawReply too_large =
        client.ask(request_frames(request_header("wide", {300, 1}), std::vector<float>(300)));

    EXPECT_EQ(fits.status(), "ok") << fits.message();
    EXPECT_EQ(too_large.status(), "invalid_argument");
    EXPECT_NE(too_large.message().find("300 rows of 4000 bytes"), std::string::npos);
}

TEST(Overload, RowsBeyondTheModelsBoundAreRefusedAtOnce) {
    DaemonProcess daemon(echo_config("200ms", "0us",
                                     "max_batch_rows = 10\nmax_rows_per_request = 10\n"
                                     "max_queued_rows = 50"));
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());
    for (int i = 0; i < 40; ++i)
        client.send(request_frames(request_header("echo", {5, 4}, std::to_string(i)),
                                   std::vector<float>(20)));

    int served = 0;
    int refused = 0;
    for (int i = 0; i < 40; ++i) {
        const auto reply = client.receive();
        ASSERT_TRUE(reply);
        if (reply->status() == "ok") ++served;
        if (reply->status() == "resource_exhausted") ++refused;
    }
    EXPECT_EQ(served + refused, 40);
    EXPECT_GE(refused, 20);
    EXPECT_EQ(daemon.metric("bunch_rejected_total{reason=\"queue_full\"}"), refused);
}

TEST(Overload, AClientBeyondItsCreditIsRefusedWhileOthersAreServed) {
    DaemonProcess daemon(echo_config("300ms", "0us", "max_batch_rows = 1000"),
                         "client_credit_bytes = \"64KiB\"");
    daemon.start_and_wait();
    RawClient greedy(daemon.data_endpoint());
    RawClient modest(daemon.data_endpoint());
    for (int i = 0; i < 20; ++i)
        greedy.send(request_frames(request_header("echo", {1000, 4}, std::to_string(i)),
                                   std::vector<float>(4000)));

    int refused = 0;
    for (int i = 0; i < 20; ++i) {
        const auto reply = greedy.receive();
        ASSERT_TRUE(reply);
        if (reply->status() != "resource_exhausted") continue;
        ++refused;
        EXPECT_NE(reply->message().find("limits.client_credit_bytes"), std::string::npos);
    }
    EXPECT_GE(refused, 10);
    EXPECT_EQ(modest.ask(request_frames(request_header("echo", {1, 4}), {1, 2, 3, 4})).status(),
              "ok");
}

TEST(Overload, ClientsThatNeverReadCostBoundedMemoryAndNobodyElse) {
    // A queue that holds all that the clients' credit allows, so that it is not what refuses.
    DaemonProcess daemon(
        echo_config("0us", "0us", "max_batch_rows = 4000\nmax_queued_rows = 4000000"),
        "client_credit_bytes = \"1MiB\"");
    daemon.start_and_wait();
    std::vector<std::unique_ptr<RawClient>> silent;
    for (int i = 0; i < 20; ++i)
        silent.push_back(std::make_unique<RawClient>(daemon.data_endpoint(), 1));
    RawClient good(daemon.data_endpoint());
    int sent = 0;
    const auto flood = [&] {
        for (int round = 0; round < 200; ++round) {
            for (auto& client : silent) {
                client->send(
                    request_frames(request_header("echo", {4000, 4}), std::vector<float>(16000)));
                ++sent;
            }
        }
        EXPECT_TRUE(daemon.wait_for_requests(sent));
        EXPECT_EQ(good.ask(request_frames(request_header("echo", {1, 4}), {1, 2, 3, 4})).status(),
                  "ok");
    };

    flood();
    const std::uint64_t first = daemon.resident_bytes();
    flood();
    const std::uint64_t second = daemon.resident_bytes();

    // 20 x 200 x 64 KB of replies were made, or refused, between the two looks: 256 MB.
    EXPECT_LT(second, first + (std::uint64_t{64} << 20));
    EXPECT_GT(daemon.metric("bunch_replies_dropped_total{reason=\"client_slow\"}") +
                  daemon.metric("bunch_rejected_total{reason=\"over_credit\"}"),
              100);
}

}  // namespace
}  // namespace bunch
