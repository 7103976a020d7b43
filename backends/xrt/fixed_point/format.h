/// What a fixed-point number of a device is, in the terms of HLS: ap_fixed<16,6,AP_RND,AP_SAT>. A
/// value only; arithmetic and conversions are beside it.
#pragma once

#include <cstdint>

namespace bunch {

/// What happens to bits below the last one.
enum class Rounding : std::uint8_t {
    truncate,          ///< AP_TRN: towards minus infinity
    truncate_to_zero,  ///< AP_TRN_ZERO
    nearest_up,        ///< AP_RND: to nearest, ties towards plus infinity
    nearest_even,      ///< AP_RND_CONV: to nearest, ties to even
    nearest_to_zero,   ///< AP_RND_ZERO: to nearest, ties towards zero
    nearest_away,      ///< AP_RND_INF: to nearest, ties away from zero
    nearest_down,      ///< AP_RND_MIN_INF: to nearest, ties towards minus infinity
};

/// What happens to a number that is too large.
enum class Overflow : std::uint8_t {
    wrap,                ///< AP_WRAP: upper bits are lost
    saturate,            ///< AP_SAT: the nearest number that can be written
    saturate_to_zero,    ///< AP_SAT_ZERO: zero
    saturate_symmetric,  ///< AP_SAT_SYM: as saturate, but the least number is minus the largest
};

/// `total_bits` from 1 to 32, of which `integer_bits` (with the sign) stand left of the point;
/// those may be negative or above total_bits, as in HLS: from -30 to 62. The value of the bits b is
/// b * 2^-fraction_bits().
struct FixedFormat {
    std::uint8_t total_bits = 16;
    std::int8_t integer_bits = 6;
    bool is_signed = true;
    Rounding rounding = Rounding::truncate;
    Overflow overflow = Overflow::wrap;

    constexpr int fraction_bits() const { return total_bits - integer_bits; }

    /// Whole bytes that hold one number in memory: 1, 2 or 4; two's complement, sign extended (or
    /// with zeros above, without a sign), little-endian.
    constexpr std::uint32_t stored_bytes() const {
        return total_bits <= 8 ? 1 : total_bits <= 16 ? 2 : 4;
    }

    friend constexpr bool operator==(const FixedFormat&, const FixedFormat&) = default;
};

}  // namespace bunch
