#include "scheduler/waiting.h"

#include <gtest/gtest.h>

#include <chrono>

namespace bunch {
namespace {

using namespace std::chrono_literals;

/// Four rows wait for a run of 1 ms and more, on a device that never stands still.
WaitingCase four_rows() {
    WaitingCase here;
    here.rows = 4;
    here.saturation = 1;
    here.fixed = 1024us;
    here.longest = 1s;
    return here;
}

/// So many rows come at once, after 200 us.
auto rows_after_200us(double rows) {
    return [rows](Duration wait) { return wait >= 200us ? rows : 0; };
}

TEST(BestWait, IsNoneIfNobodyComes) {
    EXPECT_EQ(best_wait(four_rows(), [](Duration) { return 0.0; }), 0us);
}

TEST(BestWait, IsTheShortestThatGetsThemAll) {
    // 256 us is the first of 1024 us / 2^n that reaches 200 us: 4 x 1024 us are won, 4 x 256 lost.
    EXPECT_EQ(best_wait(four_rows(), rows_after_200us(4)), 256us);
}

TEST(BestWait, IsNoneIfThoseWhoAreHereLoseMore) {
    WaitingCase here = four_rows();
    here.rows = 100;

    EXPECT_EQ(best_wait(here, rows_after_200us(4)), 0us);
}

TEST(BestWait, IsNoneForAHandfulOfMicroseconds) {
    // 0.26 x 1024 us are won and 256 us lost: that is less than 2 % of the fixed time.
    WaitingCase here = four_rows();
    here.rows = 1;

    EXPECT_EQ(best_wait(here, rows_after_200us(0.26)), 0us);
    EXPECT_EQ(best_wait(here, rows_after_200us(0.28)), 256us);
}

TEST(BestWait, IsNeverLongerThanAllowedOrThanTheFixedTime) {
    WaitingCase here = four_rows();
    here.longest = 255us;

    EXPECT_EQ(best_wait(here, rows_after_200us(4)), 0us);
    EXPECT_EQ(best_wait(four_rows(), [](Duration wait) { return wait > 1024us ? 1e9 : 0; }), 0us);
    here.longest = -1s;
    EXPECT_EQ(best_wait(here, rows_after_200us(1e9)), 0us);
}

TEST(BestWait, OnAnIdleDevicePaysIfTheOthersWouldWaitForTheNextRun) {
    // One row is here; one that comes would wait until 1400 us, and costs both a longer run.
    WaitingCase here = four_rows();
    here.rows = 1;
    here.saturation = 0;
    here.next_chance = 1400us;

    here.per_row = 100e-6;  // 1400 - 256 - 200 - 256 = 688 us are won
    EXPECT_EQ(best_wait(here, rows_after_200us(1)), 256us);
    here.per_row = 440e-6;  // 1400 - 256 - 880 - 256 = 8 us
    EXPECT_EQ(best_wait(here, rows_after_200us(1)), 0us);
}

TEST(BestWait, IsNoneForARunWithoutFixedTime) {
    WaitingCase here = four_rows();
    here.fixed = 0us;

    EXPECT_EQ(best_wait(here, rows_after_200us(4)), 0us);
}

}  // namespace
}  // namespace bunch
