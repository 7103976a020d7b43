#include "backends/xrt/fixed_point/arithmetic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "tests/backends/xrt/fixed_point/formats.h"
#include "tests/backends/xrt/fixed_point/row_count.h"

namespace bunch::fixed_point {
namespace {

using ::testing::HasSubstr;

FixedFormat ap_fixed(int total, int integer, Rounding rounding = Rounding::truncate,
                     Overflow overflow = Overflow::wrap) {
    return {static_cast<std::uint8_t>(total), static_cast<std::int8_t>(integer), true, rounding,
            overflow};
}

FixedFormat ap_ufixed(int total, int integer, Rounding rounding = Rounding::truncate,
                      Overflow overflow = Overflow::wrap) {
    return {static_cast<std::uint8_t>(total), static_cast<std::int8_t>(integer), false, rounding,
            overflow};
}

/// The definitions of the HLS manual in long double, whose 64 bits hold every float exactly.
long double rounded(long double x, Rounding rounding) {
    const long double low = std::floor(x);
    const long double rest = x - low;
    switch (rounding) {
        case Rounding::truncate:
            return low;
        case Rounding::truncate_to_zero:
            return std::trunc(x);
        case Rounding::nearest_up:
            return rest >= 0.5L ? low + 1 : low;
        case Rounding::nearest_down:
            return rest > 0.5L ? low + 1 : low;
        case Rounding::nearest_to_zero:
            return rest > 0.5L || (rest == 0.5L && x < 0) ? low + 1 : low;
        case Rounding::nearest_away:
            return rest > 0.5L || (rest == 0.5L && x > 0) ? low + 1 : low;
        case Rounding::nearest_even:
            return rest > 0.5L || (rest == 0.5L && std::fmod(low, 2.0L) != 0) ? low + 1 : low;
    }
    return 0;
}

std::int64_t expected(float number, const FixedFormat& format) {
    if (std::isnan(number)) return 0;
    const long double range = std::ldexp(1.0L, format.total_bits);
    const long double high = format.is_signed ? range / 2 - 1 : range - 1;
    long double low = format.is_signed ? -range / 2 : 0;
    if (format.overflow == Overflow::saturate_symmetric && format.is_signed) low = -high;
    const bool finite = std::isfinite(number);
    const long double scaled =
        finite ? std::ldexp(static_cast<long double>(number), format.fraction_bits()) : number;
    // Beyond 2^63 every float is a multiple of 2^32 and wraps to 0; so does infinity.
    const bool huge = !finite || std::fabs(scaled) >= 0x1p63L;
    const long double x = huge ? scaled : rounded(scaled, format.rounding);
    if (x >= low && x <= high) return static_cast<std::int64_t>(x);
    if (format.overflow == Overflow::saturate_to_zero) return 0;
    if (format.overflow != Overflow::wrap) return static_cast<std::int64_t>(x > 0 ? high : low);
    if (huge) return 0;
    long double wrapped = std::fmod(x, range);
    if (wrapped > high) wrapped -= range;
    if (wrapped < low) wrapped += range;
    return static_cast<std::int64_t>(wrapped);
}

TEST(FixedArithmetic, RoundsAsTheHlsManualShows) {
    struct Case {
        Rounding rounding;
        std::int64_t plus_tie, minus_tie, plus_more, minus_more;
    };
    const Case cases[] = {
        {Rounding::truncate, 1, -2, 1, -2},     {Rounding::truncate_to_zero, 1, -1, 1, -1},
        {Rounding::nearest_up, 2, -1, 2, -2},   {Rounding::nearest_down, 1, -2, 2, -2},
        {Rounding::nearest_away, 2, -2, 2, -2}, {Rounding::nearest_to_zero, 1, -1, 2, -2},
        {Rounding::nearest_even, 2, -2, 2, -2},
    };
    for (const Case& one : cases) {
        const FixedFormat format = ap_fixed(8, 8, one.rounding);
        EXPECT_EQ(quantize(1.5F, format), one.plus_tie) << ::testing::PrintToString(format);
        EXPECT_EQ(quantize(-1.5F, format), one.minus_tie) << ::testing::PrintToString(format);
        EXPECT_EQ(quantize(1.75F, format), one.plus_more) << ::testing::PrintToString(format);
        EXPECT_EQ(quantize(-1.75F, format), one.minus_more) << ::testing::PrintToString(format);
    }
    EXPECT_EQ(quantize(2.5F, ap_fixed(8, 8, Rounding::nearest_even)), 2);
    EXPECT_EQ(quantize(-0.5F, ap_fixed(8, 8, Rounding::nearest_even)), 0);
}

TEST(FixedArithmetic, LimitsNumbersThatAreTooLargeAsTheFormatSays) {
    const auto with = [](Overflow overflow) {
        return ap_fixed(8, 8, Rounding::truncate, overflow);
    };
    EXPECT_EQ(quantize(200.0F, with(Overflow::wrap)), -56);
    EXPECT_EQ(quantize(200.0F, with(Overflow::saturate)), 127);
    EXPECT_EQ(quantize(-200.0F, with(Overflow::saturate)), -128);
    EXPECT_EQ(quantize(-200.0F, with(Overflow::saturate_symmetric)), -127);
    EXPECT_EQ(quantize(-128.0F, with(Overflow::saturate_symmetric)), -127);
    EXPECT_EQ(quantize(200.0F, with(Overflow::saturate_to_zero)), 0);
    EXPECT_EQ(quantize(-1.0F, ap_ufixed(8, 8, Rounding::truncate, Overflow::saturate)), 0);
    EXPECT_EQ(quantize(-1.0F, ap_ufixed(8, 8)), 255);
}

TEST(FixedArithmetic, GivesNanAndInfinityADefinedResult) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float infinity = std::numeric_limits<float>::infinity();
    for (const FixedFormat& format : test_formats()) {
        EXPECT_EQ(quantize(nan, format), 0) << ::testing::PrintToString(format);
        const bool zero =
            format.overflow == Overflow::wrap || format.overflow == Overflow::saturate_to_zero;
        EXPECT_EQ(quantize(infinity, format), zero ? 0 : largest(format));
        EXPECT_EQ(quantize(-infinity, format), zero ? 0 : least(format));
    }
}

TEST(FixedArithmetic, AgreesWithTheDefinitionsInLongDoubleForManyFloatsOfEachFormat) {
    constexpr std::uint64_t kSeed = 20240601;
    std::mt19937_64 random(kSeed);
    for (const FixedFormat& format : test_formats()) {
        for (unsigned long i = 0; i < rows_to_compare(); ++i) {
            const std::uint64_t bits = random();
            // Any bits at all, or a number of half units around the format's range.
            const float number =
                i % 2 == 0 ? std::bit_cast<float>(static_cast<std::uint32_t>(bits))
                           : std::ldexp(static_cast<float>(static_cast<std::int32_t>(bits) >> 8),
                                        static_cast<int>(bits >> 60) - 8 - format.fraction_bits());
            ASSERT_EQ(quantize(number, format), expected(number, format))
                << number << " as " << ::testing::PrintToString(format) << ", seed " << kSeed;
        }
    }
}

TEST(FixedArithmetic, TurnsIntegersTowardsZeroAndWithinTheirRange) {
    const FixedFormat halves = ap_fixed(8, 7);
    EXPECT_EQ(to_integer(5, halves, -128, 127), 2);
    EXPECT_EQ(to_integer(-5, halves, -128, 127), -2);
    EXPECT_EQ(to_integer(-5, halves, 0, 255), 0);
    const FixedFormat fours = ap_fixed(8, 10);
    EXPECT_EQ(to_integer(31, fours, -128, 127), 124);
    EXPECT_EQ(to_integer(32, fours, -128, 127), 127);
    EXPECT_EQ(to_integer(-33, fours, -128, 127), -128);
}

TEST(FixedArithmetic, StoresEveryRawNumberInWholeBytesAndReadsItBack) {
    for (const FixedFormat& format : test_formats()) {
        for (const std::int64_t raw : {least(format), std::int64_t{0}, largest(format)}) {
            std::byte word[4] = {};
            store_raw(raw, word, format);
            EXPECT_EQ(load_raw(word, format), raw) << ::testing::PrintToString(format);
        }
    }
    const std::byte junk_above[] = {std::byte{0x34}, std::byte{0xf2}};
    EXPECT_EQ(load_raw(junk_above, ap_fixed(12, 6)), 0x234);
}

TEST(FixedArithmetic, RefusesFormatsThatCannotBe) {
    EXPECT_THAT(check(ap_fixed(0, 0)).message(), HasSubstr("0 bits in all"));
    EXPECT_THAT(check(ap_fixed(33, 0)).message(), HasSubstr("1 to 32"));
    EXPECT_THAT(check(ap_fixed(16, 63)).message(), HasSubstr("63 integer bits"));
    EXPECT_THAT(check(ap_fixed(16, -31)).message(), HasSubstr("-30 to 62"));
}

}  // namespace
}  // namespace bunch::fixed_point
