// The serving side of a runner, spoken to message by message.
#include "backends/runner/serve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <stdexcept>
#include <thread>

#include "backends/wire/arena.h"
#include "backends/wire/messages.h"
#include "tests/fakes/fake_backend.h"
#include "tests/fakes/host_driver.h"

namespace bunch::test {
namespace {

using testing::HasSubstr;
using namespace wire;

constexpr std::uint64_t kArena = 8192;

class ServeTest : public testing::Test {
  protected:
    void start() {
        start([device = device_] { return FakeDevice::make(device, [] {}); });
    }

    void start(std::function<Result<std::unique_ptr<Backend>>()> make) {
        auto ends = Channel::pair();
        ASSERT_TRUE(ends.ok());
        control_ = std::move(ends->first);
        runner_ =
            std::thread([this, make = std::move(make), theirs = std::move(ends->second)]() mutable {
                code_ = serve(std::move(theirs), make);
            });
    }

    /// The exit code, once the runner has ended.
    int join() {
        runner_.join();
        return code_;
    }

    void TearDown() override {
        control_.close();
        if (runner_.joinable()) runner_.join();
    }

    void say(const ControlMessage& message, std::span<const int> fds = {}) {
        std::vector<std::byte> bytes;
        ASSERT_TRUE(encode(message, bytes).ok());
        ASSERT_TRUE(control_.send(bytes, fds).ok());
    }

    /// The next message, which must be a Message.
    template <typename Message>
    Message hear() {
        Packet packet;
        const auto received = control_.receive_blocking(packet);
        if (!received.ok() || *received != Received::message) {
            ADD_FAILURE() << "the runner has closed";
            return {};
        }
        auto message = decode_control(packet.bytes());
        EXPECT_TRUE(message.ok() && std::holds_alternative<Message>(*message));
        return message.ok() && std::holds_alternative<Message>(*message)
                   ? std::get<Message>(*message)
                   : Message{};
    }

    Status open_lane(std::uint32_t index) {
        auto ends = Channel::pair();
        auto arena = Arena::create("test", kArena);
        EXPECT_TRUE(ends.ok() && arena.ok());
        lane_ = std::move(ends->first);
        const std::array fds = {ends->second.fd(), arena->fd()};
        say(OpenLane{index, 2, kArena}, fds);
        return hear<LaneOpened>().status;
    }

    Loaded load(const ModelSpec& spec, std::uint32_t id = 0) {
        say(Load{ModelId{id}, spec});
        return hear<Loaded>();
    }

    BatchDone run(const RunBatch& batch) {
        std::vector<std::byte> bytes;
        encode(batch, bytes);
        EXPECT_TRUE(lane_.send(bytes).ok());
        Packet packet;
        BatchDone done;
        const auto received = lane_.receive_blocking(packet);
        EXPECT_TRUE(received.ok() && *received == Received::message);
        EXPECT_TRUE(decode(packet.bytes(), done).ok());
        return done;
    }

    static RunBatch batch_of(std::uint32_t rows) {
        BatchLayout layout;
        EXPECT_TRUE(lay_out(echo_signature(4), rows, {}, {0, kArena / 2}, layout).ok());
        return {BatchId{7}, SlotId{0}, ModelId{0}, layout.inputs, layout.outputs};
    }

    std::shared_ptr<FakeDevice> device_ = std::make_shared<FakeDevice>();
    Channel control_;
    Channel lane_;
    int code_ = -1;
    std::thread runner_;  // after all that it uses
};

TEST_F(ServeTest, OffersItsDeviceFirst) {
    device_->description = {"fake-gpu", 2, 3, 1000};
    start();

    EXPECT_EQ(hear<Hello>().device, (DeviceDescription{"fake-gpu", 2, 3, 1000}));
}

TEST_F(ServeTest, SaysWhyItHasNoDeviceAndEndsWith78) {
    device_->refusal = "no driver";
    start();

    EXPECT_EQ(hear<Refused>().reason, "no driver");
    EXPECT_EQ(join(), kExitRefused);
}

TEST_F(ServeTest, TakesADriverThatThrowsForOneThatRefuses) {
    start([]() -> Result<std::unique_ptr<Backend>> { throw std::runtime_error("driver broke"); });

    EXPECT_THAT(hear<Refused>().reason, HasSubstr("driver broke"));
    EXPECT_EQ(join(), kExitRefused);
}

TEST_F(ServeTest, EndsWithZeroWhenTold) {
    start();
    hear<Hello>();
    say(Stop{});

    EXPECT_EQ(join(), 0);
}

TEST_F(ServeTest, EndsWhenTheDaemonIsGone) {
    start();
    hear<Hello>();
    control_.close();

    EXPECT_EQ(join(), 1);
}

TEST_F(ServeTest, EndsWhenTheDaemonSaysWhatOnlyRunnersSay) {
    start();
    hear<Hello>();
    say(Pong{1});

    EXPECT_EQ(join(), 1);
}

TEST_F(ServeTest, AnswersPings) {
    start();
    hear<Hello>();
    say(Ping{42});

    EXPECT_EQ(hear<Pong>().number, 42u);
}

TEST_F(ServeTest, TellsWhatTheSensorsSayWithEachPong) {
    device_->readings = {61.5, std::nullopt, 3e8};
    start();
    hear<Hello>();
    say(Ping{5});

    EXPECT_EQ(hear<Pong>(), (Pong{5, {61.5, std::nullopt, 3e8}}));
}

TEST_F(ServeTest, PassesOnThatTheDeviceBroke) {
    start();
    hear<Hello>();
    const DeviceFault fault{FaultKind::hang, true, "unit 3 hangs: reset the card"};
    device_->tell(fault);

    EXPECT_EQ(hear<wire::Fault>(), wire::Fault{fault});
}

TEST_F(ServeTest, ConfiguresTheDeviceWhenAsked) {
    start();
    hear<Hello>();
    say(Activate{ModelId{1}});
    EXPECT_EQ(hear<Activated>(), (Activated{ModelId{1}, {}}));
    say(Activate{ModelId{77}});
    EXPECT_EQ(hear<Activated>().status.code(), StatusCode::not_found);
}

TEST_F(ServeTest, OpensEachLaneOnceAndOnlyWithAnArena) {
    start();
    hear<Hello>();

    EXPECT_TRUE(open_lane(0).ok());
    EXPECT_THAT(open_lane(0).message(), HasSubstr("is open"));
    EXPECT_THAT(open_lane(1).message(), HasSubstr("does not exist"));
    say(OpenLane{0, 2, kArena});
    EXPECT_FALSE(hear<LaneOpened>().status.ok());
}

TEST_F(ServeTest, RunsBatchesOfLoadedModelsOnly) {
    start();
    hear<Hello>();
    ASSERT_TRUE(open_lane(0).ok());
    EXPECT_EQ(run(batch_of(2)).status.code(), StatusCode::not_found);
    ASSERT_TRUE(load(echo_model("m")).status.ok());
    const BatchDone done = run(batch_of(2));
    EXPECT_TRUE(done.status.ok());
    EXPECT_THAT(done.output_shapes, testing::ElementsAre(Shape{2, 4}));
    say(Unload{ModelId{0}});
    say(Ping{1});
    hear<Pong>();

    EXPECT_EQ(run(batch_of(2)).status.code(), StatusCode::not_found);
}

TEST_F(ServeTest, NeverGivesTheBackendABatchThatIsNone) {
    start();
    hear<Hello>();
    ASSERT_TRUE(open_lane(0).ok());
    ASSERT_TRUE(load(echo_model("m")).status.ok());
    RunBatch outside = batch_of(2);
    outside.inputs[0].offset = kArena;

    EXPECT_EQ(run(outside).status.code(), StatusCode::invalid_argument);
    EXPECT_EQ(device_->batches(), 0u);
    EXPECT_TRUE(run(batch_of(2)).status.ok());
}

TEST_F(ServeTest, ClosesALaneThatIsSentGarbage) {
    start();
    hear<Hello>();
    ASSERT_TRUE(open_lane(0).ok());
    const std::byte garbage[8] = {};
    ASSERT_TRUE(lane_.send(garbage).ok());
    Packet packet;

    EXPECT_EQ(*lane_.receive_blocking(packet), Received::closed);
    say(Ping{1});
    EXPECT_EQ(hear<Pong>().number, 1u);
}

TEST_F(ServeTest, TellsWhyALoadFailed) {
    device_->order_load("bad", not_found("no file '/x.onnx'"));
    start();
    hear<Hello>();

    EXPECT_EQ(load(echo_model("bad")).status, not_found("no file '/x.onnx'"));
    EXPECT_TRUE(load(echo_model("good"), 1).status.ok());
}

TEST_F(ServeTest, FailsALoadWhoseSignatureTheDaemonCouldNotTake) {
    ModelSpec spec = echo_model("m");
    spec.signature.outputs.clear();
    start();
    hear<Hello>();

    EXPECT_THAT(load(spec).status.message(), HasSubstr("signature is not usable"));
}

TEST_F(ServeTest, TakesTheNextBatchWhileOneRuns) {
    start();
    hear<Hello>();
    ASSERT_TRUE(open_lane(0).ok());
    ASSERT_TRUE(load(echo_model("m")).status.ok());
    device_->hold();
    RunBatch second = batch_of(1);
    second.slot = SlotId{1};
    second.batch = BatchId{8};
    std::vector<std::byte> bytes;
    encode(second, bytes);
    ASSERT_TRUE(lane_.send(bytes).ok());
    encode(batch_of(1), bytes);
    ASSERT_TRUE(lane_.send(bytes).ok());
    // Both are with the device before either is through.
    const TimePoint give_up = now() + kPatience;
    while (device_->batches() < 2 && now() < give_up) std::this_thread::yield();
    ASSERT_EQ(device_->batches(), 2u);
    device_->release();

    for (const BatchId batch : {BatchId{8}, BatchId{7}}) {
        Packet packet;
        BatchDone done;
        ASSERT_EQ(*lane_.receive_blocking(packet), Received::message);
        ASSERT_TRUE(decode(packet.bytes(), done).ok());
        EXPECT_EQ(done.batch, batch);
    }
}

}  // namespace
}  // namespace bunch::test
