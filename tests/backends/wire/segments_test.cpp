#include "backends/wire/segments.h"

#include <gtest/gtest.h>

#include <random>

#include "core/tensor.h"

namespace bunch {
namespace {

ModelSignature signature_of(std::int64_t in, std::int64_t out) {
    return {
        {{"x", DataType::f32, {kAnyExtent, in}}}, {{"y", DataType::f32, {kAnyExtent, out}}}, true};
}

TEST(Slots, ShareAnArenaEquallyAndDoNotOverlap) {
    std::uint64_t end = 0;
    for (std::uint32_t i = 0; i < 3; ++i) {
        const SlotRange range = slot_range(10000, 3, SlotId{i});
        EXPECT_EQ(range.offset, end);
        EXPECT_EQ(range.offset % 64, 0u);
        EXPECT_EQ(range.bytes, 3328u);
        end = range.offset + range.bytes;
    }
    EXPECT_LE(end, 10000u);
}

TEST(LayOut, PlacesTensorsAlignedOneAfterTheOther) {
    BatchLayout layout;

    ASSERT_TRUE(lay_out(signature_of(5, 3), 2, {}, {128, 1024}, layout).ok());

    EXPECT_EQ(layout.inputs[0], (Segment{0, 128, 40, DataType::f32, {2, 5}}));
    EXPECT_EQ(layout.outputs[0], (Segment{0, 192, 24, DataType::f32, {2, 3}}));
}

TEST(LayOut, SaysWhenABatchDoesNotFit) {
    BatchLayout layout;

    EXPECT_TRUE(lay_out(signature_of(16, 16), 4, {}, {0, 512}, layout).ok());
    const Status status = lay_out(signature_of(16, 16), 5, {}, {0, 512}, layout);

    EXPECT_EQ(status.code(), StatusCode::resource_exhausted);
    EXPECT_NE(status.message().find("'y' of shape [5,16]"), std::string::npos) << status.message();
}

TEST(LayOut, SurvivesExtentsWhoseProductOverflows) {
    const std::int64_t huge = std::int64_t{1} << 40;
    BatchLayout layout;

    EXPECT_EQ(lay_out(signature_of(huge, huge), 1u << 31, {}, {0, 1 << 20}, layout).code(),
              StatusCode::resource_exhausted);
}

TEST(LayOut, TakesInputShapesOfTheCallWhereTheModelLeavesThemOpen) {
    ModelSignature open{{{"x", DataType::u8, {kAnyExtent, kAnyExtent}}},
                        {{"y", DataType::u8, {kAnyExtent, 2}}},
                        false};
    const Shape given[] = {{3, 4}};
    BatchLayout layout;

    ASSERT_TRUE(lay_out(open, 1, given, {0, 1024}, layout).ok());
    EXPECT_EQ(layout.inputs[0].shape, (Shape{3, 4}));
    EXPECT_EQ(lay_out(open, 1, {}, {0, 1024}, layout).code(), StatusCode::invalid_argument);
    const Shape wrong[] = {{3, 4, 5}};
    EXPECT_EQ(lay_out(open, 1, wrong, {0, 1024}, layout).code(), StatusCode::invalid_argument);
}

TEST(LayOut, SharesWhatIsLeftAmongOutputsOfUnknownSize) {
    const ModelSignature open{{{"x", DataType::u8, {kAnyExtent, 64}}},
                              {{"boxes", DataType::f32, {kAnyExtent, kAnyExtent}},
                               {"count", DataType::i64, {kAnyExtent}},
                               {"marks", DataType::f32, {kAnyExtent, kAnyExtent}}},
                              true};
    BatchLayout layout;

    ASSERT_TRUE(lay_out(open, 2, {}, {0, 1024}, layout).ok());
    EXPECT_EQ(layout.outputs[1].bytes, 16u);
    EXPECT_EQ(layout.outputs[0].bytes, 384u);  // (1024 - 128 - 64) / 2, in whole 64 bytes
    EXPECT_EQ(layout.outputs[2].offset, layout.outputs[0].offset + 384);
    EXPECT_EQ(layout.outputs[0].shape, (Shape{2, kAnyExtent}));
    EXPECT_EQ(lay_out(open, 2, {}, {0, 256}, layout).code(), StatusCode::resource_exhausted);
}

TEST(RowsThatFit, IsTheLargestNumberThatCanBeLaidOut) {
    std::mt19937 random(7);
    SCOPED_TRACE("seed 7");
    for (int i = 0; i < 200; ++i) {
        const ModelSignature signature = signature_of(1 + random() % 300, 1 + random() % 300);
        const std::uint64_t bytes = random() % 100000;
        const std::uint32_t rows = rows_that_fit(signature, bytes);
        BatchLayout layout;
        if (rows > 0) {
            EXPECT_TRUE(lay_out(signature, rows, {}, {0, bytes}, layout).ok());
        }
        EXPECT_FALSE(lay_out(signature, rows + 1, {}, {0, bytes}, layout).ok());
    }
}

TEST(RowsThatFit, IsOneOrNoneForAModelThatIsNotBatched) {
    ModelSignature signature = signature_of(1, 1);
    signature.batched = false;
    signature.inputs[0].shape = signature.outputs[0].shape = {8, 8};

    EXPECT_EQ(rows_that_fit(signature, 512), 1u);
    EXPECT_EQ(rows_that_fit(signature, 511), 0u);
}

}  // namespace
}  // namespace bunch
