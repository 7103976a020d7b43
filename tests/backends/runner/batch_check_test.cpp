#include "backends/runner/batch_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/fakes/host_driver.h"

namespace bunch::test {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kArena = 4096;

LoadedModel model() {
    return {echo_signature(4), 8, 0};
}

wire::RunBatch batch_of(std::uint32_t rows) {
    BatchLayout layout;
    EXPECT_TRUE(lay_out(echo_signature(4), rows, {}, {0, kArena}, layout).ok());
    return {BatchId{1}, SlotId{0}, ModelId{0}, layout.inputs, layout.outputs};
}

std::string complaint(const std::function<void(wire::RunBatch&)>& change) {
    wire::RunBatch batch = batch_of(3);
    change(batch);
    return check_batch(batch, model(), kArena).message();
}

TEST(CheckBatch, AcceptsAnyRowsUpToTheLimit) {
    EXPECT_TRUE(check_batch(batch_of(1), model(), kArena).ok());
    EXPECT_TRUE(check_batch(batch_of(8), model(), kArena).ok());
    EXPECT_THAT(check_batch(batch_of(9), model(), kArena).message(),
                HasSubstr("9 rows, the model was loaded for 1 to 8"));
    EXPECT_FALSE(check_batch(batch_of(0), model(), kArena).ok());
}

TEST(CheckBatch, KeepsEverySegmentInTheArena) {
    const auto outside = HasSubstr("does not lie in the lane's arena");

    EXPECT_THAT(complaint([](auto& b) { b.inputs[0].offset = kArena; }), outside);
    EXPECT_THAT(complaint([](auto& b) { b.inputs[0].offset = ~std::uint64_t{63}; }), outside);
    EXPECT_THAT(complaint([](auto& b) { b.outputs[0].bytes = ~std::uint64_t{0}; }), outside);
    EXPECT_THAT(complaint([](auto& b) { b.inputs[0].offset += 4; }), outside);
    EXPECT_THAT(complaint([](auto& b) { b.outputs[0].region = 1; }), outside);
}

TEST(CheckBatch, ComparesTensorsWithTheModel) {
    EXPECT_THAT(complaint([](auto& b) { b.inputs.clear(); }), HasSubstr("0 tensors where"));
    EXPECT_THAT(complaint([](auto& b) { b.outputs.push_back(b.outputs[0]); }),
                HasSubstr("2 tensors where"));
    EXPECT_THAT(complaint([](auto& b) { b.inputs[0].type = DataType::i32; }),
                HasSubstr("the model's is"));
    EXPECT_THAT(complaint([](auto& b) {
                    b.inputs[0].shape = {3, 5};
                }),
                HasSubstr("has shape [3,5], the model's is [-1,4]"));
    EXPECT_THAT(complaint([](auto& b) { b.outputs[0].shape = {2, 4}; }), HasSubstr("other rows"));
    EXPECT_THAT(complaint([](auto& b) { b.inputs[0].bytes -= 1; }),
                HasSubstr("a size that its shape does not give"));
    EXPECT_THAT(complaint([](auto& b) {
                    b.inputs[0].shape = {kAnyExtent, 4};
                }),
                HasSubstr("batch"));
}

TEST(CheckCompletion, TellsAnOutputThatDoesNotFitFromOneThatWasNotAskedFor) {
    wire::RunBatch batch = batch_of(2);
    batch.outputs[0].shape = {2, kAnyExtent};
    batch.outputs[0].bytes = 64;
    const auto outcome = [&](std::vector<Shape> shapes) {
        return check_completion(batch, {SlotId{0}, {}, std::move(shapes), {}}).code();
    };

    EXPECT_EQ(outcome({{2, 8}}), StatusCode::ok);
    EXPECT_EQ(outcome({{2, 9}}), StatusCode::resource_exhausted);
    EXPECT_EQ(outcome({{3, 1}}), StatusCode::internal);
    EXPECT_EQ(outcome({{2, kAnyExtent}}), StatusCode::internal);
    EXPECT_EQ(outcome({}), StatusCode::internal);
}

}  // namespace
}  // namespace bunch::test
