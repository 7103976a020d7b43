#include "daemon/padding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace bunch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// x [N,3,P] and y [N,V,P], a mask of P and lengths of V; out [N,P,2].
ModelSignature signature() {
    ModelSignature signature;
    signature.inputs = {{"mask", DataType::f32, {kAnyExtent, 1, kAnyExtent}, {"", "", "P"}},
                        {"x", DataType::f32, {kAnyExtent, 3, kAnyExtent}, {"", "", "P"}},
                        {"y", DataType::i8, {kAnyExtent, kAnyExtent, kAnyExtent}, {"", "V", "P"}},
                        {"count", DataType::i64, {kAnyExtent, 1}}};
    signature.outputs = {{"out", DataType::f32, {kAnyExtent, kAnyExtent, 2}, {"", "P", ""}},
                         {"sum", DataType::f32, {kAnyExtent, 2}}};
    return signature;
}

std::vector<PaddedDimension> both() {
    return {{"P", {4, 8}, "mask", "", 0}, {"V", {2, 3, 5}, "", "count", 0}};
}

Tensor zeros(DataType type, const Shape& shape) {
    return {type, shape, Buffer::allocate(*byte_size(type, shape))};
}

/// As a request brings them: without mask and count.
std::vector<Tensor> inputs(std::int64_t rows, std::int64_t p, std::int64_t v) {
    std::vector<Tensor> tensors(4);
    tensors[1] = zeros(DataType::f32, {rows, 3, p});
    tensors[2] = zeros(DataType::i8, {rows, v, p});
    return tensors;
}

Status make_inputs(const Padding& padding, std::uint64_t left_out, std::uint32_t rows,
                   std::vector<Tensor>& call) {
    BUNCH_RETURN_IF_ERROR(padding.shape_inputs(left_out, rows, call).status());
    padding.fill_inputs(left_out, call);
    return ok_status();
}

template <typename T>
std::vector<T> elements(const Tensor& tensor) {
    std::vector<T> values(tensor.buffer.size() / sizeof(T));
    std::memcpy(values.data(), tensor.buffer.bytes().data(), tensor.buffer.size());
    return values;
}

std::string problem(const std::vector<PaddedDimension>& wanted,
                    const ModelSignature& of = signature()) {
    const auto made = Padding::make(wanted, of);
    EXPECT_EQ(made.status().code(), StatusCode::invalid_argument);
    return made.status().message();
}

TEST(Padding, MakesTheMaskAndTheLengthsThatARequestLeavesOut) {
    const auto padding = Padding::make(both(), signature());
    ASSERT_TRUE(padding.ok()) << padding.status().message();
    EXPECT_EQ(padding->made_inputs(), 0b1001u);
    std::vector<Tensor> call = inputs(2, 3, 1);

    ASSERT_TRUE(make_inputs(*padding, padding->made_inputs(), 2, call).ok());

    EXPECT_EQ(call[0].shape, (Shape{2, 1, 3}));
    EXPECT_THAT(elements<float>(call[0]), ElementsAre(1, 1, 1, 1, 1, 1));
    EXPECT_EQ(call[3].shape, (Shape{2, 1}));
    EXPECT_THAT(elements<std::int64_t>(call[3]), ElementsAre(1, 1));
}

TEST(Padding, CountsTheBytesOfWhatItWouldMakeBeforeItDoes) {
    const Padding padding = *Padding::make(both(), signature());
    std::vector<Tensor> call = inputs(0, 3, 1);

    EXPECT_EQ(*padding.shape_inputs(0b1001, 4294967295, call), 4294967295 * (3 * 4 + 8));
    EXPECT_EQ(call[0].shape, (Shape{4294967295, 1, 3}));
    EXPECT_EQ(call[0].buffer.size(), 0U);
    EXPECT_EQ(*padding.shape_inputs(0b1000, 2, call), 16U);
    EXPECT_EQ(*padding.shape_inputs(0, 2, call), 0U);
}

TEST(Padding, PutsCallsIntoTheSmallestBucketsThatFit) {
    const Padding padding = *Padding::make(both(), signature());
    std::vector<Shape> shapes;
    const auto class_of = [&](std::int64_t p, std::int64_t v) {
        std::vector<Tensor> call = inputs(1, p, v);
        EXPECT_TRUE(make_inputs(padding, padding.made_inputs(), 1, call).ok());
        return *padding.fit(call, shapes);
    };

    EXPECT_EQ(class_of(4, 2), 1u);
    EXPECT_EQ(class_of(0, 0), 1u);
    EXPECT_EQ(class_of(4, 5), 3u);
    EXPECT_EQ(class_of(5, 3), 5u);
    EXPECT_THAT(shapes, ElementsAre(Shape{1, 1, 8}, Shape{1, 3, 8}, Shape{1, 3, 8}, Shape{1, 1}));
}

TEST(Padding, CutsOutputsBackToTheLengthOfTheCall) {
    const Padding padding = *Padding::make(both(), signature());
    const std::vector<Tensor> call = inputs(2, 3, 1);

    EXPECT_TRUE(padding.cuts_outputs());
    EXPECT_EQ(padding.cut(0, {2, 4, 2}, call), (Shape{2, 3, 2}));
    EXPECT_EQ(padding.cut(1, {2, 2}, call), (Shape{2, 2}));
}

TEST(Padding, RefusesMoreThanTheLargestBucketHolds) {
    const Padding padding = *Padding::make(both(), signature());
    std::vector<Tensor> call = inputs(1, 9, 1);

    const Status status = make_inputs(padding, padding.made_inputs(), 1, call);

    EXPECT_EQ(status.code(), StatusCode::invalid_argument);
    EXPECT_EQ(status.message(),
              "input 'x' has 9 of 'P', the largest padding bucket is 8 (send less; or have the "
              "operator add a bucket)");
}

TEST(Padding, RefusesInputsThatDisagreeAboutALength) {
    const Padding padding = *Padding::make(both(), signature());
    std::vector<Tensor> call = inputs(1, 4, 1);
    call[0] = zeros(DataType::f32, {1, 1, 3});
    call[3] = zeros(DataType::i64, {1, 1});
    std::vector<Shape> shapes;

    EXPECT_EQ(padding.fit(call, shapes).status().message(),
              "inputs 'x' and 'mask' disagree about 'P': 4 and 3");
}

TEST(Padding, GivesNoClassWhereFurtherExtentsAreOpen) {
    const Padding padding = *Padding::make({{"P", {4, 8}, "mask", "", 0}}, signature());
    std::vector<Tensor> call = inputs(1, 3, 6);
    ASSERT_TRUE(make_inputs(padding, 1, 1, call).ok());
    call[3] = zeros(DataType::i64, {1, 1});
    std::vector<Shape> shapes;

    EXPECT_EQ(*padding.fit(call, shapes), 0u);
    EXPECT_EQ(shapes[2], (Shape{1, 6, 4}));
}

TEST(Padding, GivesNoClassWhereThereIsNone) {
    const std::vector<Tensor> call = inputs(1, 3, 6);
    std::vector<Shape> shapes;

    EXPECT_EQ(*Padding().fit(call, shapes), 0u);
    EXPECT_EQ(shapes[1], (Shape{1, 3, 3}));
}

TEST(Padding, SaysWhatTheModelHasNot) {
    EXPECT_EQ(problem({{"Q", {4}, "", "", 0}}),
              "padding: no input has an open extent called 'Q', beside a mask (there are: 'P', "
              "'V')");
    EXPECT_EQ(problem({{"P", {4}, "msk", "", 0}}),
              "padding: the model has no input 'msk' for the mask");
    EXPECT_EQ(problem({{"P", {4}, "", "counts", 0}}),
              "padding: the model has no input 'counts' for the length");
    EXPECT_EQ(problem({{"P", {4}, "y", "", 0}}),
              "padding: the mask 'y' has shape [-1,-1,-1], where beside the rows only 'P' may be "
              "open, and once");
    EXPECT_EQ(problem({{"V", {4}, "mask", "", 0}}),
              "padding: the mask 'mask' has shape [-1,1,-1], where beside the rows only 'V' may be "
              "open, and once");
    EXPECT_EQ(problem({{"P", {4}, "", "x", 0}}),
              "padding: the length 'x' is FP32 of shape [-1,3,-1], which is not one integer per "
              "row");
}

TEST(Padding, SaysWhichValueAnInputCannotBePaddedWith) {
    EXPECT_THAT(problem({{"P", {4}, "mask", "", 1000}}),
                HasSubstr("the value of 'P' is none that input 'y' of type INT8 can be padded"));
    EXPECT_THAT(problem({{"P", {4}, "mask", "", 1}, {"V", {4}, "", "", 2}}),
                HasSubstr("input 'y' would be padded with two values (give 'P' and 'V' the same)"));
}

TEST(Padding, IsForBatchedModelsAndNotForTheirRows) {
    ModelSignature alone = signature();
    alone.batched = false;
    EXPECT_THAT(problem(both(), alone), HasSubstr("rows of this one may not"));
    ModelSignature named = signature();
    named.inputs[1].dimensions[0] = "N";
    EXPECT_EQ(problem({{"N", {4}, "", "", 0}}, named), "padding: 'N' counts the rows of 'x'");
}

}  // namespace
}  // namespace bunch
