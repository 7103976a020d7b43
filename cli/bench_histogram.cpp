#include "cli/bench_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace bunch {

std::size_t LatencyHistogram::bucket_of(std::uint64_t ns) {
    if (ns < (1U << kSubBits)) return static_cast<std::size_t>(ns);
    const auto power = static_cast<unsigned>(std::bit_width(ns)) - 1 - kSubBits;
    const std::size_t bucket =
        (std::size_t{power} << kSubBits) + static_cast<std::size_t>(ns >> power);
    return std::min(bucket, (std::size_t{kPowers} << kSubBits) - 1);
}

std::uint64_t LatencyHistogram::middle_of(std::size_t bucket) {
    if (bucket < (1U << kSubBits)) return bucket;
    const std::size_t power = (bucket >> kSubBits) - 1;
    const std::uint64_t low = (bucket - (power << kSubBits)) << power;
    return low + (std::uint64_t{1} << power) / 2;
}

void LatencyHistogram::add(Duration latency) {
    const std::int64_t ns = std::max<std::int64_t>(latency.count(), 0);
    ++counts_[bucket_of(static_cast<std::uint64_t>(ns))];
    ++count_;
    max_ = std::max(max_, ns);
}

void LatencyHistogram::add(const LatencyHistogram& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
    max_ = std::max(max_, other.max_);
}

Duration LatencyHistogram::quantile(double fraction) const {
    if (count_ == 0) return Duration::zero();
    const auto wanted =
        static_cast<std::uint64_t>(std::ceil(fraction * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        seen += counts_[i];
        if (seen >= std::max<std::uint64_t>(wanted, 1))
            return Duration(std::min(static_cast<std::int64_t>(middle_of(i)), max_));
    }
    return max();
}

}  // namespace bunch
