// A million random rows per format, each variant of the vectorised conversions against the scalar
// arithmetic.
#include "backends/xrt/fixed_point/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <type_traits>
#include <vector>

#include "backends/xrt/fixed_point/arithmetic.h"
#include "tests/backends/xrt/fixed_point/formats.h"

namespace bunch::fixed_point {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kSeed = 4711;
constexpr std::size_t kRows = 1'000'000;

/// Any bits (so NaN, infinities and denormals), special numbers, or multiples of a quarter unit of
/// the format: ties, and numbers around its limits.
float random_float(std::mt19937_64& random, const FixedFormat& format) {
    static constexpr float kSpecial[] = {0.0F,
                                         -0.0F,
                                         std::numeric_limits<float>::infinity(),
                                         -std::numeric_limits<float>::infinity(),
                                         std::numeric_limits<float>::quiet_NaN(),
                                         std::numeric_limits<float>::denorm_min(),
                                         -std::numeric_limits<float>::denorm_min(),
                                         std::numeric_limits<float>::max()};
    const std::uint64_t bits = random();
    switch (bits >> 62) {
        case 0:
            return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
        case 1:
            if (bits % 64 == 0) return kSpecial[bits / 64 % std::size(kSpecial)];
            [[fallthrough]];
        default:
            return std::ldexp(
                static_cast<float>(static_cast<std::int32_t>(bits) >> (8 + bits / 4096 % 16)),
                static_cast<int>(bits >> 50 & 15) - 2 - format.fraction_bits());
    }
}

template <typename Element>
Element random_element(std::mt19937_64& random, const FixedFormat& format) {
    if constexpr (std::is_same_v<Element, float>) {
        return random_float(random, format);
    } else {
        const std::uint64_t bits = random();
        return static_cast<Element>(static_cast<std::int64_t>(bits) >> bits % 64);
    }
}

template <typename Element>
std::int64_t reference_raw(Element element, const FixedFormat& format) {
    if constexpr (std::is_same_v<Element, float>)
        return quantize(element, format);
    else if constexpr (std::is_unsigned_v<Element>)
        return quantize(false, element, 0, format);
    else
        return quantize(std::int64_t{element}, 0, format);
}

template <typename Element>
Element reference_element(std::int64_t raw, const FixedFormat& format) {
    using Limits = std::numeric_limits<Element>;
    if constexpr (std::is_same_v<Element, float>) {
        return to_float(raw, format);
    } else if constexpr (std::is_same_v<Element, std::uint64_t>) {
        // Above the largest int64 there are raw << 33 and more.
        if (raw <= 0) return 0;
        const int places = -format.fraction_bits();
        if (places <= 0) return static_cast<std::uint64_t>(raw) >> -places;
        const auto magnitude = static_cast<std::uint64_t>(raw);
        return magnitude > Limits::max() >> places ? Limits::max() : magnitude << places;
    } else {
        return static_cast<Element>(
            to_integer(raw, format, std::int64_t{Limits::min()}, std::int64_t{Limits::max()}));
    }
}

template <typename Element>
DataType data_type() {
    if constexpr (std::is_same_v<Element, float>) return DataType::f32;
    const bool is_signed = std::is_signed_v<Element>;
    switch (sizeof(Element)) {
        case 1:
            return is_signed ? DataType::i8 : DataType::u8;
        case 2:
            return is_signed ? DataType::i16 : DataType::u16;
        case 4:
            return is_signed ? DataType::i32 : DataType::u32;
        default:
            return is_signed ? DataType::i64 : DataType::u64;
    }
}

std::vector<ConvertVariant> supported_variants() {
    std::vector<ConvertVariant> variants;
    for (const ConvertVariant& variant : convert_variants())
        if (variant.supported) variants.push_back(variant);
    return variants;
}

template <typename Element>
std::vector<std::byte> reference_words(const std::vector<Element>& elements,
                                       const FixedFormat& format) {
    std::vector<std::byte> words(elements.size() * format.stored_bytes());
    for (std::size_t i = 0; i < elements.size(); ++i)
        store_raw(reference_raw(elements[i], format), &words[i * format.stored_bytes()], format);
    return words;
}

/// Index of the first byte that differs, or the size.
std::size_t first_difference(const std::vector<std::byte>& a, const std::vector<std::byte>& b) {
    std::size_t i = 0;
    while (i < a.size() && a[i] == b[i]) ++i;
    return i;
}

template <typename Element>
void expect_exact(const FixedFormat& format, std::size_t rows) {
    std::mt19937_64 random(kSeed);
    std::vector<Element> elements(rows);
    for (Element& element : elements) element = random_element<Element>(random, format);
    const std::vector<std::byte> words = reference_words(elements, format);
    std::vector<Element> back(rows);
    for (std::size_t i = 0; i < rows; ++i)
        back[i] =
            reference_element<Element>(load_raw(&words[i * format.stored_bytes()], format), format);

    for (const ConvertVariant& variant : supported_variants()) {
        SCOPED_TRACE(::testing::Message() << variant.name << ", seed " << kSeed);
        auto converter = Converter::make(data_type<Element>(), format, variant);
        ASSERT_TRUE(converter.ok()) << converter.status().message();
        std::vector<std::byte> got(words.size());
        converter->to_device(reinterpret_cast<const std::byte*>(elements.data()), got.data(), rows);
        const std::size_t wrong = first_difference(got, words) / format.stored_bytes();
        ASSERT_EQ(wrong, rows) << "for " << +elements[wrong];
        std::vector<Element> got_back(rows);
        converter->to_client(words.data(), reinterpret_cast<std::byte*>(got_back.data()), rows);
        ASSERT_EQ(std::memcmp(got_back.data(), back.data(), rows * sizeof(Element)), 0);
    }
}

class Conversion : public ::testing::TestWithParam<FixedFormat> {};

TEST_P(Conversion, OfAMillionFloatsIsBitForBitTheReference) {
    expect_exact<float>(GetParam(), kRows);
}

TEST_P(Conversion, OfIntegersIsBitForBitTheReference) {
    constexpr std::size_t rows = 100'003;
    expect_exact<std::int8_t>(GetParam(), rows);
    expect_exact<std::int16_t>(GetParam(), rows);
    expect_exact<std::int32_t>(GetParam(), rows);
    expect_exact<std::int64_t>(GetParam(), rows);
    expect_exact<std::uint8_t>(GetParam(), rows);
    expect_exact<std::uint16_t>(GetParam(), rows);
    expect_exact<std::uint32_t>(GetParam(), rows);
    expect_exact<std::uint64_t>(GetParam(), rows);
}

std::string format_name(const ::testing::TestParamInfo<FixedFormat>& info) {
    const FixedFormat& format = info.param;
    const int integer = format.integer_bits;
    return std::string(format.is_signed ? "Signed" : "Unsigned") +
           std::to_string(int{format.total_bits}) + (integer < 0 ? "Minus" : "With") +
           std::to_string(std::abs(integer)) + "Rounding" +
           std::to_string(static_cast<int>(format.rounding)) + "Overflow" +
           std::to_string(static_cast<int>(format.overflow)) + "No" + std::to_string(info.index);
}

INSTANTIATE_TEST_SUITE_P(Formats, Conversion, ::testing::ValuesIn(test_formats()), format_name);

TEST(RowConversion, PutsZerosAfterEachRowAndLeavesThemOutAgain) {
    const FixedFormat format{16, 6, true, Rounding::truncate, Overflow::wrap};
    auto converter = Converter::make(DataType::f32, format);
    ASSERT_TRUE(converter.ok());
    for (const std::size_t elements : {1U, 3U, 18U, 1023U, 1025U, 3000U}) {
        const std::size_t rows = 200;
        const RowLayout layout{rows, elements, elements * 2 + 14};
        std::vector<float> numbers(rows * elements);
        for (std::size_t i = 0; i < numbers.size(); ++i)
            numbers[i] = static_cast<float>(i % 65536) / 2048 - 16;
        std::vector<std::byte> words(rows * layout.stride, std::byte{0x55});
        converter->to_device(reinterpret_cast<const std::byte*>(numbers.data()), words.data(),
                             layout);
        for (std::size_t row = 0; row < rows; ++row) {
            for (std::size_t i = 0; i < elements; ++i)
                ASSERT_EQ(load_raw(&words[row * layout.stride + 2 * i], format),
                          quantize(numbers[row * elements + i], format));
            for (std::size_t i = 2 * elements; i < layout.stride; ++i)
                ASSERT_EQ(words[row * layout.stride + i], std::byte{0});
        }

        std::vector<float> back(numbers.size());
        converter->to_client(words.data(), reinterpret_cast<std::byte*>(back.data()), layout);

        for (std::size_t i = 0; i < back.size(); ++i)
            ASSERT_EQ(back[i], to_float(quantize(numbers[i], format), format)) << i;
    }
}

TEST(RowConversion, KeepsIntegersThatFit) {
    const FixedFormat format{16, 16, true, Rounding::truncate, Overflow::wrap};
    auto converter = Converter::make(DataType::i16, format);
    ASSERT_TRUE(converter.ok());
    std::vector<std::int16_t> all(65536);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int16_t>(i);
    std::vector<std::int16_t> words(all.size());
    converter->to_device(reinterpret_cast<const std::byte*>(all.data()),
                         reinterpret_cast<std::byte*>(words.data()), all.size());
    EXPECT_EQ(words, all);
}

TEST(ConverterMake, RefusesTypesAndFormatsThatItCannotConvert) {
    const auto wrong_type = Converter::make(DataType::f16, {});
    EXPECT_EQ(wrong_type.status().code(), StatusCode::unimplemented);
    EXPECT_THAT(wrong_type.status().message(), HasSubstr("FP16"));
    const auto wrong_format = Converter::make(DataType::f32, {.total_bits = 40});
    EXPECT_EQ(wrong_format.status().code(), StatusCode::invalid_argument);
    EXPECT_THAT(wrong_format.status().message(), HasSubstr("40 bits"));
}

}  // namespace
}  // namespace bunch::fixed_point
