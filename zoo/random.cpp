#include "zoo/random.h"

#include <cmath>

namespace bunch {

double Random::normal() {
    std::int64_t sum = 0;
    for (int draw = 0; draw < 3; ++draw) {
        const std::uint64_t word = bits();
        sum += static_cast<std::int64_t>((word & 0xffff) + (word >> 16 & 0xffff) +
                                         (word >> 32 & 0xffff) + (word >> 48));
    }
    constexpr std::int64_t kTwiceMean = 12 * 65535;
    return static_cast<double>(2 * sum - kTwiceMean) * 0x1p-17;
}

double Random::exponential() {
    return -std::log(1.0 - uniform());
}

}  // namespace bunch
