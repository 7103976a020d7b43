/// Times, counted in a histogram that is fine enough for quantiles: each bucket is 1.6 % wide.
#pragma once

#include <cstdint>
#include <vector>

#include "core/time.h"

namespace bunch::simulation {

class Latencies {
  public:
    void add(Duration latency);
    void add(const Latencies& other);

    std::uint64_t count() const { return count_; }
    Duration mean() const;
    Duration longest() const { return longest_; }
    /// The time that a fraction `part` (0 to 1) of the counted ones do not exceed; zero if none.
    Duration quantile(double part) const;

  private:
    std::vector<std::uint64_t> buckets_;
    std::uint64_t count_ = 0;
    double sum_ = 0;
    Duration longest_{};
};

}  // namespace bunch::simulation
