#include "scheduler/arrivals.h"

#include <gtest/gtest.h>

#include <chrono>

namespace bunch {
namespace {

using namespace std::chrono_literals;

TimePoint at(Duration since_start) {
    return TimePoint{} + 1h + since_start;
}

TEST(ArrivalRate, IsUnknownUntilAFewHaveCome) {
    ArrivalRate rate;
    for (int i = 0; i < 3; ++i) rate.add(at(i * 1ms), 1);

    EXPECT_EQ(rate.per_second(at(3ms)), 0);
}

TEST(ArrivalRate, CountsTheRowsThatCameSinceTheOldestThatIsRemembered) {
    ArrivalRate rate;
    for (const std::uint32_t rows : {2u, 3u, 4u, 5u}) rate.add(at(rows * 1ms), rows);

    EXPECT_DOUBLE_EQ(rate.per_second(at(5ms)), 12 / 3e-3);
}

TEST(ArrivalRate, FallsWhileNothingComes) {
    ArrivalRate rate;
    for (int i = 0; i < 4; ++i) rate.add(at(i * 1ms), 1);

    EXPECT_DOUBLE_EQ(rate.per_second(at(3ms)), 1000);
    EXPECT_DOUBLE_EQ(rate.per_second(at(6ms)), 500);
}

TEST(ArrivalRate, FollowsABurstWithinAFewArrivals) {
    ArrivalRate rate;
    for (int i = 0; i < 100; ++i) rate.add(at(i * 1ms), 1);
    for (int i = 1; i <= 32; ++i) rate.add(at(100ms + i * 10us), 1);

    EXPECT_DOUBLE_EQ(rate.per_second(at(100ms + 320us)), 31 / 310e-6);
}

TEST(ArrivalRate, IsUnknownForArrivalsThatTookNoTime) {
    ArrivalRate rate;
    for (int i = 0; i < 100; ++i) rate.add(at(0ms), 7);

    EXPECT_EQ(rate.per_second(at(0ms)), 0);
}

}  // namespace
}  // namespace bunch
