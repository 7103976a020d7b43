#include "bench/farm/latency.h"

#include <algorithm>
#include <cmath>

namespace bunch::farm {
namespace {

constexpr double kLowest = 100e-9;
const double kLogGrowth = std::log(1.01);

}  // namespace

void Latencies::add(Duration latency) {
    const double bin = std::log(std::max(to_seconds(latency), kLowest) / kLowest) / kLogGrowth;
    ++bins_[std::min(static_cast<std::size_t>(bin), kBins - 1)];
    ++count_;
}

void Latencies::merge(const Latencies& other) {
    for (std::size_t bin = 0; bin < kBins; ++bin) bins_[bin] += other.bins_[bin];
    count_ += other.count_;
}

double Latencies::quantile(double q) const {
    if (count_ == 0) return 0;
    const auto wanted = std::max<std::uint64_t>(
        1, static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_))));
    std::uint64_t seen = 0;
    std::size_t bin = 0;
    while (bin + 1 < kBins && (seen += bins_[bin]) < wanted) ++bin;
    return kLowest * std::exp((static_cast<double>(bin) + 0.5) * kLogGrowth);
}

}  // namespace bunch::farm
