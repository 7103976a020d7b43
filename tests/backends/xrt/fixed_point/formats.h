/// Formats for tests: every rounding and overflow rule, every stored width, no fraction bits, many,
/// and more integer bits than bits.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "backends/xrt/fixed_point/format.h"

namespace bunch {

inline void PrintTo(const FixedFormat& format, std::ostream* out) {
    *out << (format.is_signed ? "ap_fixed<" : "ap_ufixed<") << int{format.total_bits} << ","
         << int{format.integer_bits} << ",rounding " << static_cast<int>(format.rounding)
         << ",overflow " << static_cast<int>(format.overflow) << ">";
}

namespace fixed_point {

inline constexpr Rounding kRoundings[] = {Rounding::truncate,     Rounding::truncate_to_zero,
                                          Rounding::nearest_up,   Rounding::nearest_even,
                                          Rounding::nearest_away, Rounding::nearest_to_zero,
                                          Rounding::nearest_down};

inline constexpr Overflow kOverflows[] = {Overflow::wrap, Overflow::saturate,
                                          Overflow::saturate_to_zero, Overflow::saturate_symmetric};

inline std::vector<FixedFormat> test_formats() {
    std::vector<FixedFormat> formats;
    for (const Rounding rounding : kRoundings)
        for (const Overflow overflow : kOverflows)
            formats.push_back({16, 6, formats.size() % 3 != 2, rounding, overflow});
    const int sizes[][2] = {{1, 1},  {2, 0},    {7, 3},   {8, 8},   {8, 0},   {9, -3},
                            {12, 5}, {18, 8},   {24, 24}, {25, 12}, {31, 31}, {32, 32},
                            {32, 0}, {32, -30}, {16, 20}, {8, 62},  {32, 62}};
    for (const auto& size : sizes) {
        for (const bool is_signed : {true, false}) {
            formats.push_back({static_cast<std::uint8_t>(size[0]),
                               static_cast<std::int8_t>(size[1]), is_signed,
                               kRoundings[formats.size() % std::size(kRoundings)],
                               kOverflows[formats.size() / 2 % std::size(kOverflows)]});
        }
    }
    return formats;
}

}  // namespace fixed_point
}  // namespace bunch
