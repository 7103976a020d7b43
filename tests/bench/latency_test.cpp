#include "bench/farm/latency.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>

namespace bunch::farm {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

TEST(Latencies, FindQuantilesToWithinOnePercent) {
    const auto latencies = std::make_unique<Latencies>();
    for (int i = 1; i <= 1000; ++i) latencies->add(microseconds(100 * i));

    EXPECT_EQ(latencies->count(), 1000U);
    EXPECT_NEAR(latencies->quantile(0.5), 0.05, 0.0005);
    EXPECT_NEAR(latencies->quantile(0.9), 0.09, 0.0009);
    EXPECT_NEAR(latencies->quantile(0.99), 0.099, 0.001);
    EXPECT_NEAR(latencies->quantile(1), 0.1, 0.001);
}

TEST(Latencies, AddUpOverWorkers) {
    const auto one = std::make_unique<Latencies>(), other = std::make_unique<Latencies>();
    for (int i = 0; i < 90; ++i) one->add(microseconds(10));
    for (int i = 0; i < 10; ++i) other->add(seconds(1));

    one->merge(*other);

    EXPECT_EQ(one->count(), 100U);
    EXPECT_NEAR(one->quantile(0.9), 10e-6, 0.1e-6);
    EXPECT_NEAR(one->quantile(0.91), 1, 0.01);
}

TEST(Latencies, KeepWhatIsBeyondTheirRangeInTheOutermostBins) {
    const auto latencies = std::make_unique<Latencies>();
    latencies->add(Duration(1));
    latencies->add(std::chrono::hours(24));

    EXPECT_NEAR(latencies->quantile(0.5), 100e-9, 1e-9);
    EXPECT_GT(latencies->quantile(1), 1000);
}

TEST(Latencies, AreZeroWithoutRequests) {
    EXPECT_EQ(std::make_unique<Latencies>()->quantile(0.5), 0);
}

}  // namespace
}  // namespace bunch::farm
