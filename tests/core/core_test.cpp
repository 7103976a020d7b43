#include <gtest/gtest.h>

#include <cstring>

#include "core/file_hash.h"
#include "core/ids.h"
#include "core/model.h"
#include "core/result.h"
#include "core/rows.h"
#include "core/shape.h"
#include "core/status.h"
#include "core/tensor.h"
#include "core/time.h"

namespace bunch {
namespace {

TEST(Status, NamesEveryCodeAndFindsItAgain) {
    for (int number = 0; number <= 16; ++number) {
        const auto code = static_cast<StatusCode>(number);
        EXPECT_EQ(status_code_named(name_of(code)), code);
    }
    EXPECT_EQ(status_code_named("no_such_code"), std::nullopt);
}

TEST(Status, PutsContextBeforeTheMessageOfAFailureOnly) {
    EXPECT_EQ(invalid_argument("bad").with_context("file x").to_string(),
              "invalid_argument: file x: bad");
    EXPECT_TRUE(ok_status().with_context("file x").ok());
}

Result<int> half_of(int number) {
    if (number % 2 != 0) return invalid_argument("odd");
    return number / 2;
}

Result<int> quarter_of(int number) {
    BUNCH_ASSIGN_OR_RETURN(const int half, half_of(number));
    return half_of(half);
}

TEST(Result, PassesValuesOnAndErrorsUp) {
    EXPECT_EQ(quarter_of(8).value(), 2);
    EXPECT_EQ(quarter_of(6).status().message(), "odd");
    EXPECT_EQ(quarter_of(3).status().message(), "odd");
}

TEST(Shape, MultipliesItsExtentsUnlessTheProductOverflows) {
    EXPECT_EQ(Shape({2, 3, 4}).elements(), 24u);
    EXPECT_EQ(Shape({2, 3, 4}).elements_per_row(), 12u);
    EXPECT_EQ(Shape().elements(), 1u);
    EXPECT_EQ((Shape{std::int64_t{1} << 40, std::int64_t{1} << 40}).elements(), std::nullopt);
    EXPECT_EQ((Shape{std::int64_t{1} << 40, std::int64_t{1} << 40, 0}).elements(), std::nullopt);
    EXPECT_EQ((Shape{kAnyExtent, 3}).elements(), std::nullopt);
}

TEST(Shape, RefusesTooManyOrNegativeExtents) {
    const std::vector<std::int64_t> nine(9, 1);
    EXPECT_EQ(Shape::from(nine), std::nullopt);
    const std::vector<std::int64_t> negative = {1, -2};
    EXPECT_EQ(Shape::from(negative), std::nullopt);
}

TEST(Shape, AdmitsDataWhereverAnExtentIsOpen) {
    const Shape open{kAnyExtent, 3};
    EXPECT_TRUE(open.admits(Shape{7, 3}));
    EXPECT_FALSE(open.admits(Shape{7, 4}));
    EXPECT_FALSE(open.admits(Shape{7}));
}

TEST(Buffer, ReleasesHeldBytesExactlyOnce) {
    int released = 0;
    std::array<std::byte, 100> memory{};
    {
        Buffer a = Buffer::hold(
            memory, [](void* count) { ++*static_cast<int*>(count); }, &released);
        Buffer b = std::move(a);
        Buffer c;
        c = std::move(b);
        EXPECT_EQ(c.bytes().data(), memory.data());
        EXPECT_EQ(released, 0);
    }
    EXPECT_EQ(released, 1);
}

TEST(Buffer, KeepsSmallAndLargeContentsWhenMoved) {
    for (const std::size_t size : {0U, 1U, 64U, 65U, 1000U}) {
        std::vector<std::byte> bytes(size, std::byte{7});
        Buffer buffer = Buffer::copy_of(bytes);
        Buffer moved = std::move(buffer);
        ASSERT_EQ(moved.size(), size);
        EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), moved.bytes().begin()));
        EXPECT_EQ(buffer.size(), 0u);  // NOLINT: moved-from is empty, and says so
    }
}

TEST(Tensor, HasNoByteSizeWhenTheShapeIsOpenOrTooLarge) {
    EXPECT_EQ(byte_size(DataType::f64, Shape{3, 5}), 120u);
    EXPECT_EQ(byte_size(DataType::f64, Shape{kAnyExtent}), std::nullopt);
    EXPECT_EQ(byte_size(DataType::f64, Shape{std::int64_t{1} << 61}), std::nullopt);
}

std::vector<float> as_floats(const Tensor& tensor) {
    std::vector<float> values(tensor.buffer.size() / sizeof(float));
    std::memcpy(values.data(), tensor.buffer.bytes().data(), tensor.buffer.size());
    return values;
}

Tensor tensor_of(const std::vector<float>& values, Shape shape) {
    return {DataType::f32, shape, Buffer::copy_of(std::as_bytes(std::span(values)))};
}

TEST(Rows, AreGatheredBehindOneAnotherAndScatteredBack) {
    const Tensor a = tensor_of({1, 2, 3, 4, 5, 6}, {3, 2});
    const Tensor b = tensor_of({7, 8}, {1, 2});
    Tensor batch = tensor_of(std::vector<float>(6), {3, 2});
    Tensor back = tensor_of(std::vector<float>(6), {3, 2});

    gather(std::array{RowRange{a.view(), 1, 2}, RowRange{b.view(), 0, 1}}, batch.view());
    scatter(batch.view(), 0, 2, back.view(), 1);

    EXPECT_EQ(as_floats(batch), (std::vector<float>{3, 4, 5, 6, 7, 8}));
    EXPECT_EQ(as_floats(back), (std::vector<float>{0, 0, 3, 4, 5, 6}));
}

TEST(Rows, OfAScalarAreOne) {
    const Tensor scalar = tensor_of({5}, {});
    Tensor batch = tensor_of({0}, {});

    gather(std::array{RowRange{scalar.view(), 0, 1}}, batch.view());

    EXPECT_EQ(as_floats(batch), std::vector<float>{5});
}

TEST(Rows, ThatAreShorterThanTheBatchesArePadded) {
    const Tensor a = tensor_of({1, 2, 3, 4, 5, 6, 7, 8}, {2, 2, 2});
    const Tensor b = tensor_of({9, 10}, {1, 2, 1});
    Tensor batch = tensor_of(std::vector<float>(18, 99), {3, 2, 3});

    gather(std::array{RowRange{a.view(), 0, 2}, RowRange{b.view(), 0, 1}}, batch.view(),
           *element_of(DataType::f32, -1));

    EXPECT_EQ(as_floats(batch), (std::vector<float>{1, 2, -1, 3, 4, -1,  //
                                                    5, 6, -1, 7, 8, -1,  //
                                                    9, -1, -1, 10, -1, -1}));
}

TEST(Rows, ArePaddedInSeveralExtents) {
    const Tensor square = tensor_of({1, 2, 3, 4, 5, 6, 7, 8}, {1, 2, 2, 2});
    Tensor batch = tensor_of(std::vector<float>(18, 99), {1, 3, 3, 2});

    gather(std::array{RowRange{square.view(), 0, 1}}, batch.view());

    EXPECT_EQ(as_floats(batch),
              (std::vector<float>{1, 2, 3, 4, 0, 0, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0}));
}

TEST(Rows, OfLengthZeroBecomePadding) {
    const Tensor nothing = tensor_of({}, {1, 0});
    const Tensor some = tensor_of({5}, {1, 1});
    Tensor batch = tensor_of({98, 99, 98, 99}, {2, 2});

    gather(std::array{RowRange{nothing.view(), 0, 1}, RowRange{some.view(), 0, 1}}, batch.view());

    EXPECT_EQ(as_floats(batch), (std::vector<float>{0, 0, 5, 0}));
}

TEST(Rows, ThatWerePaddedAreCutBack) {
    const Tensor batch = tensor_of({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, {2, 3, 2});
    Tensor back = tensor_of(std::vector<float>(8, 0), {2, 2, 2});
    Tensor narrow = tensor_of(std::vector<float>(3, 0), {1, 3, 1});

    scatter(batch.view(), 1, 1, back.view(), 1);
    scatter(batch.view(), 0, 1, narrow.view(), 0);

    EXPECT_EQ(as_floats(back), (std::vector<float>{0, 0, 0, 0, 7, 8, 9, 10}));
    EXPECT_EQ(as_floats(narrow), (std::vector<float>{1, 3, 5}));
}

TEST(Rows, ArePaddedWithWhatTheirTypeCanHold) {
    const auto byte = [](DataType type, double value) {
        return static_cast<int>((*element_of(type, value))[0]);
    };
    EXPECT_EQ(byte(DataType::i8, -1), 255);
    EXPECT_EQ(byte(DataType::u64, 7), 7);
    EXPECT_EQ(byte(DataType::boolean, 1), 1);
    EXPECT_EQ((*element_of(DataType::f16, 1))[1], std::byte{0x3c});
    EXPECT_EQ((*element_of(DataType::bf16, 1))[0], std::byte{0x80});
    EXPECT_FALSE(element_of(DataType::boolean, 2));
    EXPECT_FALSE(element_of(DataType::u8, -1));
    EXPECT_FALSE(element_of(DataType::i8, 128));
    EXPECT_FALSE(element_of(DataType::i64, 0x1p63));
    EXPECT_FALSE(element_of(DataType::u64, 0x1p64));
    EXPECT_FALSE(element_of(DataType::i32, 0.5));
    EXPECT_FALSE(element_of(DataType::f16, 2));
    EXPECT_FALSE(element_of(DataType::f32, 1e300));
}

ModelSignature two_inputs() {
    ModelSignature signature;
    signature.inputs = {{"x", DataType::f32, {kAnyExtent, 4}}, {"m", DataType::i64, {kAnyExtent}}};
    return signature;
}

TEST(ModelSignature, CountsTheRowsOfACall) {
    EXPECT_EQ(rows_of_call(two_inputs(), {{"x", DataType::f32, {3, 4}}, {"m", DataType::i64, {3}}})
                  .value(),
              3u);
}

TEST(ModelSignature, NamesWhatIsWrongWithACall) {
    const auto message = [](std::vector<TensorSpec> given) {
        return rows_of_call(two_inputs(), given).status().message();
    };
    EXPECT_EQ(message({{"x", DataType::f64, {3, 4}}, {"m", DataType::i64, {3}}}),
              "input 'x' is FP64, the model takes FP32");
    EXPECT_EQ(message({{"x", DataType::f32, {3, 5}}, {"m", DataType::i64, {3}}}),
              "input 'x' has shape [3,5], the model takes [-1,4]");
    EXPECT_EQ(message({{"x", DataType::f32, {3, 4}}, {"m", DataType::i64, {2}}}),
              "input 'm' has 2 rows, the inputs before it 3");
    EXPECT_EQ(message({{"x", DataType::f32, {0, 4}}, {"m", DataType::i64, {0}}}),
              "a request needs between 1 and 2^32-1 rows, this one has 0");
}

TEST(ModelSignature, CountsTheBytesOfARow) {
    EXPECT_EQ(row_bytes(two_inputs().inputs, true), 24u);
    EXPECT_EQ(row_bytes({{"x", DataType::f32, {kAnyExtent, kAnyExtent}}}, true), std::nullopt);
    EXPECT_EQ(row_bytes({{"x", DataType::f32, {2, 3}}}, false), 24u);
}

TEST(FileHash, IsFnv1a) {
    const auto hash = [](std::string_view text) {
        return file_hash(std::as_bytes(std::span(text)));
    };

    EXPECT_EQ(hash(""), "cbf29ce484222325");
    EXPECT_EQ(hash("a"), "af63dc4c8601ec8c");
    EXPECT_EQ(hash("foobar"), "85944171f73967e8");
}

TEST(Time, SaturatesInsteadOfOverflowing) {
    EXPECT_EQ(saturating_add(kNever, Duration(1)), kNever);
    EXPECT_EQ(saturating_add(TimePoint{}, Duration(1)), TimePoint{Duration(1)});
}

}  // namespace
}  // namespace bunch
