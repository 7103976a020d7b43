#include "backends/wire/messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "backends/wire/channel.h"

namespace bunch::wire {
namespace {

using testing::HasSubstr;
using Bytes = std::vector<std::byte>;

ModelSignature some_signature() {
    return {{{"image", DataType::f32, {kAnyExtent, 3, 224, kAnyExtent}, {"", "", "", "width"}}},
            {{"label", DataType::i64, {kAnyExtent}}, {"score", DataType::f16, {kAnyExtent, 1000}}},
            true};
}

ModelSpec some_spec() {
    ModelSpec spec;
    spec.name = "resnet50";
    spec.version = "3";
    spec.path = "/models/resnet50.onnx";
    spec.signature = some_signature();
    spec.precision = Precision::bf16;
    spec.numerics = Numerics::bitwise;
    spec.max_batch_rows = 64;
    return spec;
}

std::vector<ControlMessage> one_of_each() {
    return {Hello{{"gpu", 2, 3, 1 << 30}},
            Refused{"no such card"},
            OpenLane{1, 2, 4096},
            LaneOpened{1, resource_exhausted("pinned memory")},
            Load{ModelId{7}, some_spec()},
            Loaded{ModelId{7}, {}, {some_signature(), 32, 1000}},
            Loaded{ModelId{8}, not_found("no file"), {}},
            Loaded{ModelId{9},
                   {},
                   {some_signature(), 32, 0, "ap_fixed<16,6>", "0102", false,
                    std::chrono::milliseconds(800)}},
            Unload{ModelId{7}},
            Ping{~std::uint64_t{0}},
            Pong{5, {}},
            Pong{6, {41.5, 60.25, 3e8}},
            Activate{ModelId{7}},
            Activated{ModelId{7}, resource_exhausted("x")},
            Fault{{FaultKind::busy, false, "another process uses it"}},
            Stop{}};
}

RunBatch some_batch() {
    return {BatchId{99},
            SlotId{1},
            ModelId{7},
            {{0, 64, 24, DataType::f32, {2, 3}}},
            {{0, 128, 16, DataType::i64, {2}}, {0, 192, 640, DataType::u8, {2, kAnyExtent}}}};
}

BatchDone some_answer() {
    const TimePoint t{std::chrono::nanoseconds(12345)};
    return {
        BatchId{99}, SlotId{1}, {}, {{2}, {2, 5}}, {t, t + Duration(1), t + Duration(2), kNever}};
}

Bytes encoded(const ControlMessage& message) {
    Bytes bytes;
    const Status status = encode(message, bytes);
    EXPECT_TRUE(status.ok()) << status.to_string();
    return bytes;
}

template <typename Message>
Bytes encoded_on_lane(const Message& message) {
    Bytes bytes;
    encode(message, bytes);
    return bytes;
}

TEST(ControlMessages, ComeBackAsTheyWere) {
    for (const ControlMessage& message : one_of_each()) {
        const Bytes bytes = encoded(message);
        const auto back = decode_control(bytes);

        ASSERT_TRUE(back.ok()) << message.index() << ": " << back.status().to_string();
        EXPECT_EQ(back->index(), message.index());
        EXPECT_EQ(encoded(*back), bytes);
    }
}

TEST(ControlMessages, CarryEveryFieldOfALoad) {
    const auto back = decode_control(encoded(Load{ModelId{7}, some_spec()}));
    ASSERT_TRUE(back.ok());
    const ModelSpec& spec = std::get<Load>(*back).spec;

    EXPECT_EQ(spec.name, "resnet50");
    EXPECT_EQ(spec.version, "3");
    EXPECT_EQ(spec.path, "/models/resnet50.onnx");
    EXPECT_EQ(spec.signature, some_signature());
    EXPECT_EQ(spec.precision, Precision::bf16);
    EXPECT_EQ(spec.numerics, Numerics::bitwise);
    EXPECT_EQ(spec.max_batch_rows, 64u);
}

TEST(LaneMessages, ComeBackAsTheyWere) {
    RunBatch batch;
    BatchDone done;

    ASSERT_TRUE(decode(encoded_on_lane(some_batch()), batch).ok());
    ASSERT_TRUE(decode(encoded_on_lane(some_answer()), done).ok());

    EXPECT_EQ(batch, some_batch());
    EXPECT_EQ(done, some_answer());
}

TEST(ControlMessages, AreRefusedWhenTheySayWhatCannotBe) {
    const auto error = [](const ControlMessage& message) {
        Bytes bytes;
        return encode(message, bytes).message();
    };
    ModelSignature unbatched_row = some_signature();
    unbatched_row.inputs[0].shape.set(0, 1);
    ModelSignature twins = some_signature();
    twins.inputs.push_back(twins.inputs[0]);
    ModelSignature unnamed = some_signature();
    unnamed.inputs[0].dimensions.pop_back();
    ModelSignature many = some_signature();
    many.inputs.resize(kMaxTensors + 1, many.inputs[0]);

    EXPECT_THAT(error(Hello{{"", 1, 1, 0}}), HasSubstr("class is empty"));
    EXPECT_THAT(error(Hello{{"x", 0, 1, 0}}), HasSubstr("no lanes"));
    EXPECT_THAT(error(Hello{{"x", kMaxLanes + 1, 1, 0}}), HasSubstr("too many lanes"));
    EXPECT_THAT(error(Hello{{"x", 1, kMaxSlots + 1, 0}}), HasSubstr("too many slots"));
    EXPECT_THAT(error(OpenLane{0, 0, 64}), HasSubstr("no slots"));
    EXPECT_THAT(error(Loaded{ModelId{}, {}, {{}, 1, 0}}), HasSubstr("not usable"));
    EXPECT_THAT(error(Loaded{ModelId{}, {}, {unbatched_row, 1, 0}}), HasSubstr("not usable"));
    EXPECT_THAT(error(Loaded{ModelId{}, {}, {twins, 1, 0}}), HasSubstr("not usable"));
    EXPECT_THAT(error(Loaded{ModelId{}, {}, {unnamed, 1, 0}}), HasSubstr("one name for each"));
    EXPECT_THAT(error(Loaded{ModelId{}, {}, {some_signature(), 0, 0}}), HasSubstr("no rows"));
    EXPECT_THAT(error(Loaded{ModelId{}, {}, {many, 1, 0}}), HasSubstr("too many tensors"));
    EXPECT_THAT(error(Loaded{ModelId{}, {}, {some_signature(), 1, 0, "", "", false}}),
                HasSubstr("without an image"));
    EXPECT_THAT(error(Loaded{ModelId{}, {}, {some_signature(), 1, 0, "", "i", true, Duration(-1)}}),
                HasSubstr("impossible time"));
    EXPECT_THAT(error(Pong{1, {1.0 / 0.0, {}, {}}}), HasSubstr("not finite"));
    EXPECT_THAT(error(Fault{{static_cast<FaultKind>(kFaultKinds), true, ""}}),
                HasSubstr("of no kind"));
}

TEST(ControlMessages, AreCutOrRefusedWhenTheyAreTooLong) {
    const std::string long_text(kMaxTextBytes + 100, 'x');
    ModelSpec spec = some_spec();
    spec.path = long_text;
    Bytes bytes;

    EXPECT_EQ(encode(Load{ModelId{}, spec}, bytes).code(), StatusCode::invalid_argument);
    const auto back = decode_control(encoded(LaneOpened{0, internal_error(long_text)}));
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(std::get<LaneOpened>(*back).status.message().size(), kMaxTextBytes);
}

TEST(Messages, OfAnotherVersionSayThatInstallationsAreMixed) {
    Bytes bytes = encoded(Stop{});
    bytes[2] = std::byte{9};

    EXPECT_THAT(decode_control(bytes).status().message(),
                HasSubstr("speaks version 9 of the runner protocol"));
}

TEST(Messages, BelongOnTheirOwnChannel) {
    RunBatch batch;
    BatchDone done;

    EXPECT_FALSE(decode_control(encoded_on_lane(some_batch())).ok());
    EXPECT_FALSE(decode(encoded(Stop{}), batch).ok());
    EXPECT_FALSE(decode(encoded_on_lane(some_batch()), done).ok());
    EXPECT_FALSE(decode(encoded_on_lane(some_answer()), batch).ok());
}

/// Decodes with every decoder; what is accepted must survive another round.
void expect_harmless(const Bytes& bytes) {
    if (const auto message = decode_control(bytes); message.ok()) {
        const Bytes again = encoded(*message);
        const auto back = decode_control(again);
        ASSERT_TRUE(back.ok());
        EXPECT_EQ(encoded(*back), again);
    }
    RunBatch batch;
    if (decode(bytes, batch).ok()) {
        RunBatch back;
        ASSERT_TRUE(decode(encoded_on_lane(batch), back).ok());
        EXPECT_EQ(back, batch);
    }
    BatchDone done;
    if (decode(bytes, done).ok()) {
        BatchDone back;
        ASSERT_TRUE(decode(encoded_on_lane(done), back).ok());
        EXPECT_EQ(back, done);
    }
}

std::vector<Bytes> all_encoded() {
    std::vector<Bytes> all;
    for (const ControlMessage& message : one_of_each()) all.push_back(encoded(message));
    all.push_back(encoded_on_lane(some_batch()));
    all.push_back(encoded_on_lane(some_answer()));
    return all;
}

TEST(Messages, ThatAreCutOrLengthenedAreRefused) {
    for (const Bytes& whole : all_encoded()) {
        for (std::size_t size = 0; size < whole.size(); ++size) {
            const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
            RunBatch batch;
            BatchDone done;
            EXPECT_FALSE(decode_control(cut).ok() || decode(cut, batch).ok() ||
                         decode(cut, done).ok());
        }
        Bytes longer = whole;
        longer.push_back(std::byte{});
        RunBatch batch;
        BatchDone done;
        EXPECT_FALSE(decode_control(longer).ok() || decode(longer, batch).ok() ||
                     decode(longer, done).ok());
    }
}

TEST(Messages, WithChangedBytesAreRefusedOrStillMeanSomething) {
    constexpr std::uint32_t kSeed = 11;
    SCOPED_TRACE("seed " + std::to_string(kSeed));
    std::mt19937 random(kSeed);
    for (const Bytes& whole : all_encoded()) {
        for (int i = 0; i < 3000; ++i) {
            Bytes mutant = whole;
            for (std::size_t n = 1 + random() % 4; n > 0; --n)
                mutant[random() % mutant.size()] = static_cast<std::byte>(random());
            ASSERT_NO_FATAL_FAILURE(expect_harmless(mutant));
        }
    }
}

}  // namespace
}  // namespace bunch::wire
