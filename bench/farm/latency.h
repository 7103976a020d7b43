/// Latencies of many requests in a fixed number of bins, so that worker processes can fill one each
/// in shared memory and the parent can add them up. Bins grow by 1 %, and so does the error.
#pragma once

#include <array>
#include <cstdint>

#include "core/time.h"

namespace bunch::farm {

/// All zero bytes are a valid, empty histogram. Written by one process.
class Latencies {
  public:
    void add(Duration latency);
    void merge(const Latencies& other);

    std::uint64_t count() const { return count_; }

    /// Seconds that a fraction `q` of the requests did not exceed; 0 without requests.
    double quantile(double q) const;

  private:
    static constexpr std::size_t kBins = 2400;  // 100 ns to 2,000 s

    std::uint64_t count_ = 0;
    std::array<std::uint32_t, kBins> bins_{};
};

}  // namespace bunch::farm
