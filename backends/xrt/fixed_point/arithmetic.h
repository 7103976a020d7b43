/// The arithmetic of fixed-point numbers, one number at a time and exact: the reference that the
/// fast conversions (convert.h) are tested against, and what the model of a kernel computes with
/// (dense_stack.h). Not for many numbers at once.
///
/// A fixed-point number is given by its *raw* integer: bits of the format as two's complement (or
/// without a sign); its value is raw * 2^-fraction_bits().
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/xrt/fixed_point/format.h"
#include "core/status.h"

namespace bunch::fixed_point {

/// Whether total bits are 1 to 32 and integer bits -30 to 62; names what is not.
Status check(const FixedFormat& format);

/// The largest and the least raw number that the format's overflow rule may leave.
std::int64_t largest(const FixedFormat& format);
std::int64_t least(const FixedFormat& format);

/// The raw number for +-magnitude * 2^exponent, rounded and limited as the format says.
std::int64_t quantize(bool negative, std::uint64_t magnitude, int exponent,
                      const FixedFormat& format);
std::int64_t quantize(std::int64_t mantissa, int exponent, const FixedFormat& format);

/// As HLS converts, and besides: NaN becomes 0. Infinity is a number too large for every format: it
/// saturates, or becomes 0 where the format wraps (as every number above 2^62 does).
std::int64_t quantize(float number, const FixedFormat& format);

/// The nearest float, ties to even; exact up to 24 bits.
float to_float(std::int64_t raw, const FixedFormat& format);

/// Towards zero, then limited to [low, high].
std::int64_t to_integer(std::int64_t raw, const FixedFormat& format, std::int64_t low,
                        std::int64_t high);

/// One number as it lies in a device's memory: stored_bytes() bytes. Reading takes the bits of the
/// format only, whatever is above them.
std::int64_t load_raw(const std::byte* word, const FixedFormat& format);
void store_raw(std::int64_t raw, std::byte* word, const FixedFormat& format);

}  // namespace bunch::fixed_point
