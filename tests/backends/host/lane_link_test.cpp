#include "backends/host/lane_link.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>

namespace bunch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint64_t kArenaBytes = 8192;

TimePoint at(Duration since_start) {
    return TimePoint{} + since_start;
}

ModelSignature signature_of(std::int64_t out_width) {
    return {{{"x", DataType::f32, {kAnyExtent, 4}}},
            {{"y", DataType::f32, {kAnyExtent, out_width}}},
            true};
}

/// A lane whose runner is the test.
class LaneLinkTest : public testing::Test {
  protected:
    void SetUp() override {
        auto ends = Channel::pair();
        auto arena = Arena::create("test", kArenaBytes);
        ASSERT_TRUE(ends.ok() && arena.ok());
        runner_ = std::move(ends->second);
        lane_.emplace(LaneId{5}, std::move(ends->first), std::move(*arena), 2);
    }

    /// Begins and sends a batch, and has the runner read it.
    wire::RunBatch sent(std::uint64_t batch, std::uint32_t rows,
                        const ModelSignature& signature = signature_of(2)) {
        const auto begun = lane_->begin(BatchId{batch}, ModelId{3}, signature, rows);
        EXPECT_TRUE(begun.ok() && lane_->run(begun->slot, at(10ms)).ok());
        Packet packet;
        wire::RunBatch message;
        const auto received = runner_.receive(packet);
        EXPECT_TRUE(received.ok() && *received == Received::message);
        EXPECT_TRUE(wire::decode(packet.bytes(), message).ok());
        return message;
    }

    /// A good answer to it.
    static wire::BatchDone answer(const wire::RunBatch& batch) {
        wire::BatchDone done{batch.batch, batch.slot, {}, {}, {}};
        for (const Segment& segment : batch.outputs) done.output_shapes.push_back(segment.shape);
        done.times = {at(11ms), at(12ms), at(13ms), at(14ms)};
        return done;
    }

    void send(const wire::BatchDone& done) {
        std::vector<std::byte> bytes;
        wire::encode(done, bytes);
        ASSERT_TRUE(runner_.send(bytes).ok());
    }

    /// What the daemon says to an answer that was changed like this.
    std::string complaint(const std::function<void(wire::BatchDone&)>& change,
                          const ModelSignature& signature = signature_of(2)) {
        wire::BatchDone done = answer(sent(1, 3, signature));
        change(done);
        send(done);
        const auto report = lane_->receive(at(20ms));
        return report.ok() ? "accepted" : report.status().message();
    }

    Channel runner_;
    std::optional<LaneLink> lane_;
};

TEST_F(LaneLinkTest, CarriesABatchThereAndItsOutputsBack) {
    const auto begun = lane_->begin(BatchId{1}, ModelId{3}, signature_of(2), 3);
    ASSERT_TRUE(begun.ok());
    ASSERT_EQ(begun->inputs.size(), 1u);
    EXPECT_EQ(begun->inputs[0].shape, (Shape{3, 4}));
    EXPECT_EQ(begun->inputs[0].bytes.size(), 48u);
    begun->inputs[0].bytes[0] = std::byte{7};
    ASSERT_TRUE(lane_->run(begun->slot, at(10ms)).ok());

    Packet packet;
    wire::RunBatch batch;
    ASSERT_EQ(*runner_.receive(packet), Received::message);
    ASSERT_TRUE(wire::decode(packet.bytes(), batch).ok());
    auto arena =
        Arena::attach(UniqueFd(::fcntl(lane_->arena()->fd(), F_DUPFD_CLOEXEC, 0)), kArenaBytes);
    ASSERT_TRUE(arena.ok());
    arena->bytes()[batch.outputs[0].offset + 23] = arena->bytes()[batch.inputs[0].offset];
    send(answer(batch));

    const auto received = lane_->receive(at(20ms));
    ASSERT_TRUE(received.ok() && *received);
    const BatchReport& report = **received;
    EXPECT_EQ(report.batch, BatchId{1});
    EXPECT_EQ(report.model, ModelId{3});
    EXPECT_TRUE(report.status.ok());
    ASSERT_EQ(report.outputs.size(), 1u);
    EXPECT_EQ(report.outputs[0].shape, (Shape{3, 2}));
    EXPECT_EQ(report.outputs[0].bytes[23], std::byte{7});
    EXPECT_EQ(report.times, (DeviceTimes{at(11ms), at(12ms), at(13ms), at(14ms)}));
}

TEST_F(LaneLinkTest, KeepsCountOfSlotsAndOfBatchesInTheirOrder) {
    EXPECT_EQ(lane_->free_slots(), 2u);
    const wire::RunBatch first = sent(11, 1);
    const wire::RunBatch second = sent(12, 1);
    EXPECT_EQ(lane_->free_slots(), 0u);
    EXPECT_THAT(lane_->batches(), ElementsAre(BatchId{11}, BatchId{12}));

    send(answer(first));
    ASSERT_TRUE(lane_->receive(at(20ms)).ok());
    EXPECT_THAT(lane_->batches(), ElementsAre(BatchId{12}));
    EXPECT_EQ(lane_->free_slots(), 0u);
    lane_->release(first.slot);

    EXPECT_EQ(lane_->free_slots(), 1u);
    EXPECT_EQ(sent(13, 1).slot, first.slot);
}

TEST_F(LaneLinkTest, TakesNoSlotForABatchThatDoesNotFit) {
    const auto rows = rows_that_fit(signature_of(2), lane_->slot_bytes());

    const auto refused = lane_->begin(BatchId{1}, ModelId{3}, signature_of(2), rows + 1);

    EXPECT_EQ(refused.status().code(), StatusCode::resource_exhausted);
    EXPECT_EQ(lane_->free_slots(), 2u);
    EXPECT_TRUE(lane_->begin(BatchId{1}, ModelId{3}, signature_of(2), rows).ok());
}

TEST_F(LaneLinkTest, GivesBackASlotThatWasNeverSent) {
    const auto begun = lane_->begin(BatchId{1}, ModelId{3}, signature_of(2), 1);
    ASSERT_TRUE(begun.ok());

    lane_->release(begun->slot);

    EXPECT_EQ(lane_->free_slots(), 2u);
    EXPECT_TRUE(lane_->batches().empty());
}

TEST_F(LaneLinkTest, ReportsAFailedBatchWithoutOutputs) {
    wire::BatchDone done = answer(sent(1, 3));
    done.status = internal_error("out of luck");
    send(done);

    const auto received = lane_->receive(at(20ms));

    ASSERT_TRUE(received.ok() && *received);
    EXPECT_EQ((*received)->status, internal_error("out of luck"));
    EXPECT_TRUE((*received)->outputs.empty());
}

TEST_F(LaneLinkTest, PutsTimesInOrderWhateverTheRunnerSays) {
    wire::BatchDone done = answer(sent(1, 1));
    done.times = {TimePoint::min(), at(15ms), at(12ms), kNever};
    send(done);

    const auto received = lane_->receive(at(20ms));

    ASSERT_TRUE(received.ok() && *received);
    EXPECT_EQ((*received)->times, (DeviceTimes{at(10ms), at(15ms), at(15ms), at(20ms)}));
}

TEST_F(LaneLinkTest, RefusesAnswersThatCannotBe) {
    const auto same = [](wire::BatchDone&) {};
    EXPECT_EQ(complaint(same), "accepted");
    EXPECT_THAT(complaint([](auto& done) { done.slot = SlotId{2}; }), HasSubstr("slot 2"));
}

TEST_F(LaneLinkTest, RefusesAnAnswerToAnotherBatch) {
    EXPECT_THAT(complaint([](auto& done) { done.batch = BatchId{77}; }),
                HasSubstr("batch 77 is not in slot"));
}

TEST_F(LaneLinkTest, RefusesAnAnswerForASlotThatIsNotRunning) {
    EXPECT_THAT(complaint([](auto& done) { done.slot.value ^= 1; }), HasSubstr("is not in slot"));
}

TEST_F(LaneLinkTest, RefusesASecondAnswer) {
    const wire::BatchDone done = answer(sent(1, 1));
    send(done);
    send(done);

    EXPECT_TRUE(lane_->receive(at(20ms)).ok());
    EXPECT_FALSE(lane_->receive(at(20ms)).ok());
}

TEST_F(LaneLinkTest, RefusesAnAnswerWithAnOutputTooFew) {
    EXPECT_THAT(complaint([](auto& done) { done.output_shapes.clear(); }),
                HasSubstr("0 outputs, not 1"));
}

TEST_F(LaneLinkTest, RefusesAnAnswerWithOtherRows) {
    EXPECT_THAT(complaint([](auto& done) {
                    done.output_shapes[0] = {4, 2};
                }),
                HasSubstr("shape [4,2], asked for was [3,2]"));
}

TEST_F(LaneLinkTest, RefusesAnAnswerWithAnOpenShape) {
    EXPECT_THAT(complaint(
                    [](auto& done) {
                        done.output_shapes[0] = {3, kAnyExtent};
                    },
                    signature_of(kAnyExtent)),
                HasSubstr("shape [3,-1]"));
}

TEST_F(LaneLinkTest, RefusesAnAnswerThatWouldReachBeyondItsSlot) {
    EXPECT_THAT(complaint(
                    [](auto& done) {
                        done.output_shapes[0] = {3, 1000};
                    },
                    signature_of(kAnyExtent)),
                HasSubstr("shape [3,1000]"));
}

TEST_F(LaneLinkTest, RefusesAnAnswerWhoseSizeOverflows) {
    EXPECT_THAT(complaint(
                    [](auto& done) {
                        done.output_shapes[0] = {3, std::int64_t{1} << 62};
                    },
                    signature_of(kAnyExtent)),
                HasSubstr("answered a batch wrongly"));
}

TEST_F(LaneLinkTest, RefusesGarbage) {
    const std::byte garbage[] = {std::byte{0xff}, std::byte{1}, std::byte{2}};
    ASSERT_TRUE(runner_.send(garbage).ok());

    EXPECT_EQ(lane_->receive(at(20ms)).status().code(), StatusCode::invalid_argument);
}

TEST_F(LaneLinkTest, SeesARunnerThatIsGone) {
    sent(1, 1);
    runner_.close();

    EXPECT_EQ(lane_->receive(at(20ms)).status().code(), StatusCode::unavailable);
    const auto begun = lane_->begin(BatchId{2}, ModelId{3}, signature_of(2), 1);
    ASSERT_TRUE(begun.ok());
    EXPECT_EQ(lane_->run(begun->slot, at(21ms)).code(), StatusCode::unavailable);
    EXPECT_THAT(lane_->batches(), ElementsAre(BatchId{1}));
}

TEST_F(LaneLinkTest, LeavesOutputsReadableForAnswersThatOutliveIt) {
    const wire::RunBatch batch = sent(1, 1);
    send(answer(batch));
    const auto received = lane_->receive(at(20ms));
    ASSERT_TRUE(received.ok() && *received);
    const std::span<const std::byte> bytes = (*received)->outputs[0].bytes;
    const auto arena = lane_->arena();

    lane_.reset();

    EXPECT_EQ(bytes[0], std::byte{0});
}

}  // namespace
}  // namespace bunch
