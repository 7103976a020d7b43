#include "backends/kernels/halves.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace bunch::kernels {
namespace {

TEST(Halves, SurviveTheWayToFloatAndBack) {
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
        const auto half = static_cast<std::uint16_t>(bits);
        if (!std::isnan(float_from_f16(half))) {
            ASSERT_EQ(f16_from_float(float_from_f16(half)), half);
        }
        if (!std::isnan(float_from_bf16(half))) {
            ASSERT_EQ(bf16_from_float(float_from_bf16(half)), half);
        }
    }
}

TEST(Halves, RoundToTheNearestEven) {
    // Between each two neighbours: halfway goes to the even one, the rest to the nearer.
    for (std::uint16_t low = 0; low < 0x7bff; ++low) {
        const auto high = static_cast<std::uint16_t>(low + 1);
        const float a = float_from_f16(low), b = float_from_f16(high), middle = a + (b - a) / 2;
        ASSERT_EQ(f16_from_float(middle), low % 2 == 0 ? low : high) << low;
        ASSERT_EQ(f16_from_float(std::nextafter(middle, 0.0F)), low) << low;
        ASSERT_EQ(f16_from_float(std::nextafter(middle, 1e9F)), high) << low;
    }
}

TEST(Halves, KeepInfinityAndNaN) {
    const float infinity = std::numeric_limits<float>::infinity();
    EXPECT_EQ(float_from_f16(f16_from_float(-infinity)), -infinity);
    EXPECT_EQ(float_from_bf16(bf16_from_float(infinity)), infinity);
    EXPECT_EQ(float_from_f16(f16_from_float(1e6F)), infinity);
    EXPECT_TRUE(std::isnan(float_from_f16(f16_from_float(std::nanf("")))));
    EXPECT_TRUE(std::isnan(float_from_bf16(bf16_from_float(std::nanf("")))));
}

}  // namespace
}  // namespace bunch::kernels
