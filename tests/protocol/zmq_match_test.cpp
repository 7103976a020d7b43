#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/zmq_frames.h"

namespace bunch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ModelSignature two_inputs() {
    return {{{"x", DataType::f32, {kAnyExtent, 5}}, {"mask", DataType::boolean, {kAnyExtent, 2}}},
            {{"y", DataType::f32, {kAnyExtent, 3}}, {"z", DataType::f32, {kAnyExtent, 1}}},
            true};
}

TensorHeader tensor(std::string_view name, DataType type, Shape shape, std::uint64_t bytes) {
    return {name, type, shape, bytes};
}

/// A good request with the inputs in the other order than the signature's.
RequestHeader request_of(std::int64_t rows) {
    RequestHeader header;
    const auto count = static_cast<std::uint64_t>(rows);
    header.inputs = {tensor("mask", DataType::boolean, {rows, 2}, 2 * count),
                     tensor("x", DataType::f32, {rows, 5}, 20 * count)};
    return header;
}

std::string verdict(const ModelSignature& signature, const RequestHeader& header,
                    std::vector<std::size_t> frames) {
    std::vector<std::uint32_t> order;
    const auto rows = match_inputs(signature, header, frames, order);
    EXPECT_TRUE(rows.ok() || rows.status().code() == StatusCode::invalid_argument);
    return rows.status().message();
}

TEST(MatchInputs, FindsTheFrameOfEachInputAndTheRows) {
    std::vector<std::uint32_t> order;
    const std::vector<std::size_t> frames = {14, 140};

    const auto rows = match_inputs(two_inputs(), request_of(7), frames, order);

    ASSERT_TRUE(rows.ok()) << rows.status().to_string();
    EXPECT_EQ(*rows, 7u);
    EXPECT_THAT(order, ElementsAre(1, 0));
}

TEST(MatchInputs, CountsACallOfAModelWithoutBatchesAsOneRow) {
    const ModelSignature signature{{{"x", DataType::f32, {3}}}, {}, false};
    RequestHeader header;
    header.inputs = {tensor("x", DataType::f32, {3}, 12)};
    std::vector<std::uint32_t> order;

    EXPECT_EQ(*match_inputs(signature, header, std::vector<std::size_t>{12}, order), 1u);
}

TEST(MatchInputs, NamesAMissingAndASuperfluousInput) {
    RequestHeader header = request_of(1);
    header.inputs.pop_back();
    EXPECT_EQ(verdict(two_inputs(), header, {2}), "input 'x' is missing, the request has 'mask'");

    header = request_of(1);
    header.inputs.push_back(tensor("w", DataType::f32, {1}, 4));
    EXPECT_EQ(verdict(two_inputs(), header, {2, 20, 4}),
              "the model has no input 'w', its inputs are 'x', 'mask'");

    header.inputs.clear();
    EXPECT_EQ(verdict(two_inputs(), header, {}), "input 'x' is missing, the request has none");
}

TEST(MatchInputs, NamesFramesThatAreMissingSuperfluousOrOfTheWrongSize) {
    const RequestHeader header = request_of(1);
    EXPECT_EQ(verdict(two_inputs(), header, {2}),
              "the header announces 2 inputs, but 1 frames follow it: send one frame of raw bytes "
              "per input");
    EXPECT_THAT(verdict(two_inputs(), header, {2, 20, 1}), HasSubstr("but 3 frames follow"));
    EXPECT_EQ(verdict(two_inputs(), header, {2, 19}),
              "the frame of input 'x' has 19 bytes, FP32 [1,5] needs 20");
}

TEST(MatchInputs, ExplainsWrongTypesShapesAndRows) {
    RequestHeader header = request_of(1);
    header.inputs[1] = tensor("x", DataType::f64, {1, 5}, 40);
    EXPECT_EQ(verdict(two_inputs(), header, {2, 40}), "input 'x' is FP64, the model takes FP32");

    header.inputs[1] = tensor("x", DataType::f32, {1, 6}, 24);
    EXPECT_EQ(verdict(two_inputs(), header, {2, 24}),
              "input 'x' has shape [1,6], the model takes [-1,5]");

    header.inputs[1] = tensor("x", DataType::f32, {2, 5}, 40);
    EXPECT_EQ(verdict(two_inputs(), header, {2, 40}),
              "input 'mask' has 1 rows, the inputs before it 2");

    EXPECT_THAT(verdict(two_inputs(), request_of(0), {0, 0}), HasSubstr("between 1 and 2^32-1"));
}

TEST(MatchOutputs, TakesAllOrThoseNamedInTheirOrder) {
    RequestHeader header;
    std::vector<std::uint32_t> order;
    ASSERT_TRUE(match_outputs(two_inputs(), header, order).ok());
    EXPECT_THAT(order, ElementsAre(0, 1));

    header.outputs = {"z"};
    ASSERT_TRUE(match_outputs(two_inputs(), header, order).ok());
    EXPECT_THAT(order, ElementsAre(1));

    header.outputs = {"nope"};
    EXPECT_EQ(match_outputs(two_inputs(), header, order).message(),
              "the model has no output 'nope', its outputs are 'y', 'z'");
}

}  // namespace
}  // namespace bunch
