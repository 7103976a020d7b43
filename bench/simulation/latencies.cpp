#include "bench/simulation/latencies.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace bunch::simulation {
namespace {

// Below 2 × kSteps ns a bucket is one nanosecond; above, kSteps buckets per power of two.
constexpr std::uint64_t kStepBits = 6;
constexpr std::uint64_t kSteps = 1u << kStepBits;

std::size_t bucket_of(std::uint64_t nanoseconds) {
    const auto bits = static_cast<std::uint64_t>(std::bit_width(nanoseconds));
    if (bits <= kStepBits + 1) return nanoseconds;
    const std::uint64_t shift = bits - kStepBits - 1;
    return shift * kSteps + (nanoseconds >> shift);
}

/// The longest time that falls into the bucket.
std::uint64_t end_of(std::uint64_t bucket) {
    if (bucket < 2 * kSteps) return bucket;
    const std::uint64_t shift = bucket / kSteps - 1;
    return (((bucket - shift * kSteps) + 1) << shift) - 1;
}

}  // namespace

void Latencies::add(Duration latency) {
    const auto nanoseconds =
        static_cast<std::uint64_t>(std::max<Duration::rep>(0, latency.count()));
    const std::size_t bucket = bucket_of(nanoseconds);
    if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
    ++buckets_[bucket];
    ++count_;
    sum_ += static_cast<double>(nanoseconds);
    longest_ = std::max(longest_, latency);
}

void Latencies::add(const Latencies& other) {
    if (other.buckets_.size() > buckets_.size()) buckets_.resize(other.buckets_.size());
    for (std::size_t i = 0; i < other.buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    sum_ += other.sum_;
    longest_ = std::max(longest_, other.longest_);
}

Duration Latencies::mean() const {
    if (count_ == 0) return Duration::zero();
    return Duration(static_cast<Duration::rep>(sum_ / static_cast<double>(count_)));
}

Duration Latencies::quantile(double part) const {
    if (count_ == 0) return Duration::zero();
    const auto wanted = std::max<std::uint64_t>(
        1, static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(count_))));
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
        seen += buckets_[bucket];
        if (seen >= wanted)
            return std::min(longest_, Duration(static_cast<Duration::rep>(end_of(bucket))));
    }
    return longest_;
}

}  // namespace bunch::simulation
