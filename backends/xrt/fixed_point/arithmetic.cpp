#include "backends/xrt/fixed_point/arithmetic.h"

#include <bit>
#include <cmath>
#include <string>

namespace bunch::fixed_point {
namespace {

constexpr int kMinIntegerBits = -30;
constexpr int kMaxIntegerBits = 62;

bool rounds_away(Rounding rounding, bool negative, bool odd, bool any, bool above_half, bool half) {
    switch (rounding) {
        case Rounding::truncate:
            return negative && any;
        case Rounding::truncate_to_zero:
            return false;
        case Rounding::nearest_up:
            return above_half || (half && !negative);
        case Rounding::nearest_down:
            return above_half || (half && negative);
        case Rounding::nearest_to_zero:
            return above_half;
        case Rounding::nearest_away:
            return above_half || half;
        case Rounding::nearest_even:
            return above_half || (half && odd);
    }
    return false;
}

// magnitude * 2^-places in whole numbers; places >= 1.
std::uint64_t shift_right(bool negative, std::uint64_t magnitude, int places, Rounding rounding) {
    const std::uint64_t whole = places < 64 ? magnitude >> places : 0;
    const std::uint64_t rest = places < 64 ? magnitude - (whole << places) : magnitude;
    const std::uint64_t half = places <= 64 ? std::uint64_t{1} << (places - 1) : UINT64_MAX;
    const bool above_half = places <= 64 && rest > half;
    const bool is_half = places <= 64 && rest == half;
    const bool away =
        rounds_away(rounding, negative, whole % 2 == 1, rest != 0, above_half, is_half);
    return whole + (away ? 1 : 0);
}

// The low bits of the format, with its sign.
std::int64_t wrapped(std::uint64_t bits, const FixedFormat& format) {
    const std::uint64_t low = bits & ((std::uint64_t{1} << format.total_bits) - 1);
    const std::uint64_t sign = format.is_signed ? std::uint64_t{1} << (format.total_bits - 1) : 0;
    return static_cast<std::int64_t>((low ^ sign) - sign);
}

}  // namespace

Status check(const FixedFormat& format) {
    const int total = format.total_bits;
    const int integer = format.integer_bits;
    if (total < 1 || total > 32)
        return invalid_argument("a fixed-point format has " + std::to_string(total) +
                                " bits in all; 1 to 32 are possible");
    if (integer < kMinIntegerBits || integer > kMaxIntegerBits)
        return invalid_argument("a fixed-point format has " + std::to_string(integer) +
                                " integer bits; -30 to 62 are possible");
    return ok_status();
}

std::int64_t largest(const FixedFormat& format) {
    return (std::int64_t{1} << (format.total_bits - (format.is_signed ? 1 : 0))) - 1;
}

std::int64_t least(const FixedFormat& format) {
    if (!format.is_signed) return 0;
    return -largest(format) - (format.overflow == Overflow::saturate_symmetric ? 0 : 1);
}

std::int64_t quantize(bool negative, std::uint64_t magnitude, int exponent,
                      const FixedFormat& format) {
    if (magnitude == 0) return 0;
    const int shift = exponent + format.fraction_bits();
    std::uint64_t limit = static_cast<std::uint64_t>(negative ? -least(format) : largest(format));
    bool too_large = false;
    if (shift >= 0) {
        too_large = shift >= 64 || magnitude > limit >> shift;
        magnitude = shift >= 64 ? 0 : magnitude << shift;
    } else {
        magnitude = shift_right(negative, magnitude, -shift, format.rounding);
        too_large = magnitude > limit;
    }
    if (too_large && format.overflow == Overflow::saturate_to_zero) return 0;
    if (too_large && format.overflow != Overflow::wrap)
        return negative ? least(format) : largest(format);
    return wrapped(negative ? 0 - magnitude : magnitude, format);
}

std::int64_t quantize(std::int64_t mantissa, int exponent, const FixedFormat& format) {
    const auto bits = static_cast<std::uint64_t>(mantissa);
    return quantize(mantissa < 0, mantissa < 0 ? 0 - bits : bits, exponent, format);
}

std::int64_t quantize(float number, const FixedFormat& format) {
    const auto bits = std::bit_cast<std::uint32_t>(number);
    const bool negative = bits >> 31 != 0;
    const int exponent = static_cast<int>(bits >> 23 & 0xff);
    const std::uint32_t fraction = bits & 0x7fffff;
    if (exponent == 0xff && fraction != 0) return 0;
    if (exponent == 0) return quantize(negative, fraction, -149, format);
    return quantize(negative, fraction | 0x800000, exponent - 150, format);
}

float to_float(std::int64_t raw, const FixedFormat& format) {
    return std::ldexp(static_cast<float>(raw), -format.fraction_bits());
}

std::int64_t to_integer(std::int64_t raw, const FixedFormat& format, std::int64_t low,
                        std::int64_t high) {
    const int places = format.fraction_bits();
    if (places >= 0) {
        const std::int64_t whole = raw / (std::int64_t{1} << places);
        return whole < low ? low : whole > high ? high : whole;
    }
    const std::int64_t unit = std::int64_t{1} << -places;
    if (raw > high / unit) return high;
    if (raw < low / unit) return low;
    return raw * unit;
}

std::int64_t load_raw(const std::byte* word, const FixedFormat& format) {
    std::uint64_t bits = 0;
    for (std::uint32_t i = 0; i < format.stored_bytes(); ++i)
        bits |= std::to_integer<std::uint64_t>(word[i]) << (8 * i);
    return wrapped(bits, format);
}

void store_raw(std::int64_t raw, std::byte* word, const FixedFormat& format) {
    for (std::uint32_t i = 0; i < format.stored_bytes(); ++i)
        word[i] = static_cast<std::byte>(raw >> (8 * i) & 0xff);
}

}  // namespace bunch::fixed_point
