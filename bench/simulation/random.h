/// Random numbers that are the same with every compiler and standard library. The standard's
/// distributions are not, so none of them is used.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/time.h"

namespace bunch::simulation {

/// What a stream of numbers is for: streams of different purpose are independent, so that a policy
/// which runs more batches does not change what arrives.
enum class Purpose : std::uint64_t { arrivals, bursts, thinking, runs, stalls, failures, pools };

class Random {
  public:
    Random(std::uint64_t seed, Purpose purpose, std::uint64_t index)
        : state_(mixed(mixed(mixed(seed) + static_cast<std::uint64_t>(purpose)) + index)) {}

    std::uint64_t next() { return mixed(state_ += 0x9e3779b97f4a7c15u); }

    /// Between 0 and 1, never either.
    double uniform() { return (static_cast<double>(next() >> 11) + 0.5) * 0x1p-53; }

    /// Of mean 1.
    double exponential() { return -std::log(uniform()); }

    /// Of mean 0 and deviation 1 (Box and Muller).
    double normal() {
        const double radius = std::sqrt(-2 * std::log(uniform()));
        return radius * std::cos(6.283185307179586 * uniform());
    }

    /// A positive factor of mean 1, whose logarithm has the deviation `sigma`.
    double lognormal(double sigma) {
        const double z = normal();  // drawn also for sigma 0: what follows stays the same
        return sigma == 0 ? 1 : std::exp(sigma * z - sigma * sigma / 2);
    }

    /// Exponential, at least 1 ns.
    Duration exponential_time(double mean_seconds) {
        return std::max(Duration(1), from_seconds(mean_seconds * exponential()));
    }

  private:
    /// Steele, Lea and Flood's SplitMix64.
    static std::uint64_t mixed(std::uint64_t z) {
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }

    std::uint64_t state_;
};

}  // namespace bunch::simulation
