/// Latencies in buckets that grow with their value, so that a histogram of any run has the same
/// small size and can be sent through a pipe and added up.
#pragma once

#include <array>
#include <cstdint>

#include "core/time.h"

namespace bunch {

/// From nanoseconds to over an hour, exact to 1/32. Trivially copyable.
class LatencyHistogram {
  public:
    void add(Duration latency);
    void add(const LatencyHistogram& other);

    std::uint64_t count() const { return count_; }
    Duration max() const { return Duration(max_); }

    /// The latency that `fraction` (0 to 1) of all do not exceed; zero if there are none.
    Duration quantile(double fraction) const;

  private:
    static constexpr unsigned kSubBits = 5;  ///< 32 buckets for each power of two
    static constexpr unsigned kPowers = 40;

    static std::size_t bucket_of(std::uint64_t ns);
    static std::uint64_t middle_of(std::size_t bucket);

    std::array<std::uint32_t, (kPowers << kSubBits)> counts_{};
    std::uint64_t count_ = 0;
    std::int64_t max_ = 0;
};

}  // namespace bunch
