/// How many random rows the slower tests of fixed-point results compare.
#pragma once

#include <cstdlib>

namespace bunch::fixed_point {

/// Per format or network: 100,000, or what BUNCH_FIXED_ROWS says; tools/test --full asks for a
/// million.
inline unsigned long rows_to_compare() {
    const char* const asked = std::getenv("BUNCH_FIXED_ROWS");
    return asked == nullptr ? 100'000 : std::strtoul(asked, nullptr, 10);
}

}  // namespace bunch::fixed_point
