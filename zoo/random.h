/// Random numbers that are the same with every compiler and library: the distributions of the
/// standard library are not. For weights and toy inputs, not for secrets.
#pragma once

#include <cstdint>
#include <random>

namespace bunch {

/// One stream of numbers. A value; used by one thread at a time.
class Random {
  public:
    explicit Random(std::uint64_t seed) : engine_(seed) {}

    std::uint64_t bits() { return engine_(); }

    /// In [0, 1), a multiple of 2^-53.
    double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }

    /// In [low, high).
    double uniform(double low, double high) { return low + (high - low) * uniform(); }

    /// Mean 0, variance 1, never beyond 6: the sum of twelve uniform 16-bit numbers, which is exact
    /// in integers and so needs no mathematical library.
    double normal();

    /// Mean 1, by the mathematical library of the machine.
    double exponential();

  private:
    std::mt19937_64 engine_;
};

}  // namespace bunch
