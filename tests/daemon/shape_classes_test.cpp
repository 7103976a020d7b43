#include "daemon/shape_classes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bunch {
namespace {

using testing::HasSubstr;

/// One sequence of `length` numbers per row, and one number.
std::vector<Shape> inputs(std::int64_t rows, std::int64_t length) {
    return {Shape{rows, length}, Shape{rows, 1}};
}

ModelSignature signature() {
    ModelSignature signature;
    signature.inputs = {{"x", DataType::f32, {kAnyExtent, kAnyExtent}},
                        {"n", DataType::f32, {kAnyExtent, 1}}};
    signature.outputs = {{"y", DataType::f32, {kAnyExtent, kAnyExtent}}};
    return signature;
}

TEST(ShapeClasses, AreForBatchedModelsWithMoreThanTheRowsOpen) {
    ModelSignature model = signature();
    EXPECT_TRUE(has_shape_classes(model));
    model.batched = false;
    EXPECT_FALSE(has_shape_classes(model));
    model = signature();
    model.inputs[0].shape = {kAnyExtent, 5};
    EXPECT_FALSE(has_shape_classes(model));
}

TEST(ShapeClasses, TellShapesApartWhateverTheRows) {
    ShapeClasses classes;

    const ShapeClass five = *classes.take(inputs(1, 5));
    const ShapeClass six = *classes.take(inputs(1, 6));

    EXPECT_NE(five, six);
    EXPECT_GT(five, kLastingClasses);
    EXPECT_EQ(*classes.take(inputs(32, 5)), five);
}

TEST(ShapeClasses, TellExtentsApartThatLieInDifferentInputs) {
    ShapeClasses classes;
    const std::vector<Shape> flat = {Shape{1, 2, 3}, Shape{1}};
    const std::vector<Shape> even = {Shape{1, 2}, Shape{1, 3}};

    EXPECT_NE(*classes.take(flat), *classes.take(even));
}

TEST(ShapeClasses, UseANumberAgainOnceNoCallHoldsIt) {
    ShapeClasses classes;
    const ShapeClass five = *classes.take(inputs(1, 5));
    EXPECT_EQ(*classes.take(inputs(1, 5)), five);

    classes.release(five);
    EXPECT_NE(*classes.take(inputs(1, 6)), five);
    classes.release(five);
    EXPECT_EQ(*classes.take(inputs(1, 7)), five);
    EXPECT_EQ(classes.size(), 2u);
}

TEST(ShapeClasses, StayFewWhateverShapesCome) {
    ShapeClasses classes;
    for (std::int64_t length = 1; length < 10000; ++length) {
        const ShapeClass one = *classes.take(inputs(1, length));
        ASSERT_EQ(one, kLastingClasses + 1);
        classes.release(one);
    }

    EXPECT_EQ(classes.size(), 0u);
}

TEST(ShapeClasses, RefuseMoreShapesThanMayBeOpenAtATime) {
    ShapeClasses classes;
    for (std::size_t i = 1; i <= ShapeClasses::kMost; ++i)
        ASSERT_TRUE(classes.take(inputs(1, static_cast<std::int64_t>(i))).ok());

    const auto one_more = classes.take(inputs(1, 1000));

    EXPECT_EQ(one_more.status().code(), StatusCode::resource_exhausted);
    EXPECT_THAT(one_more.status().message(),
                HasSubstr("requests of 256 different shapes are open already"));
    EXPECT_TRUE(classes.take(inputs(1, 7)).ok());
    classes.release(kLastingClasses + 1);
    EXPECT_TRUE(classes.take(inputs(1, 1000)).ok());
}

TEST(ShapeClasses, RefuseRowsOfWhichAFullBatchDoesNotFitASlot) {
    ShapeClasses classes;
    classes.add_device(32, 1 << 20);
    classes.add_device(16, 64 << 10);

    EXPECT_TRUE(classes.check(signature(), inputs(1, 100)).ok());
    const Status status = classes.check(signature(), inputs(1, 1000));

    EXPECT_EQ(status.code(), StatusCode::invalid_argument);
    EXPECT_THAT(status.message(), HasSubstr("a batch of 32 rows like these has no place"));
    EXPECT_THAT(status.message(), HasSubstr("tensor 'x' of shape [32,1000] does not fit a slot of "
                                            "65536 bytes"));
    EXPECT_THAT(status.message(), HasSubstr("arena_bytes"));
}

}  // namespace
}  // namespace bunch
