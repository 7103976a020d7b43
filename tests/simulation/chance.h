/// Random choices of a simulated life. Only integers of the engine are used, so they are the same
/// with every compiler; no expression may ask for two of them, since their order would be open.
#pragma once

#include <cstdint>
#include <random>

#include "core/time.h"

namespace bunch::simulation {

class Chance {
  public:
    explicit Chance(std::uint64_t seed) : random_(seed) {}

    std::uint64_t any() { return random_(); }
    std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
    std::uint32_t between(std::uint32_t least, std::uint32_t most) {
        return least + static_cast<std::uint32_t>(below(most - least + 1));
    }
    bool happens(double probability) {
        return static_cast<double>(random_() >> 11) * 0x1p-53 < probability;
    }
    Duration up_to(Duration most) {
        return Duration(
            static_cast<Duration::rep>(below(static_cast<std::uint64_t>(most.count()) + 1)));
    }

  private:
    std::mt19937_64 random_;
};

}  // namespace bunch::simulation
