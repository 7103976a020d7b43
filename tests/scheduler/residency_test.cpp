#include "scheduler/residency.h"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>

namespace bunch {
namespace {

using namespace std::chrono_literals;

/// A device that has long held an image for which 1 s of work waits; another image, of 2 s to
/// load, has 10 s of work that others would take 20 s for.
SwapCase paying() {
    SwapCase here;
    here.held_for = 60s;
    here.load_time = 2s;
    here.work_of_resident = 1;
    here.work_of_other = 10;
    here.others_need = 20;
    return here;
}

TEST(Swap, PaysForWorkThatOthersWouldTakeLongerForThanTheLoad) {
    EXPECT_TRUE(swap_pays(paying()));
}

TEST(Swap, PaysForAModelThatNoOtherDeviceHas) {
    SwapCase here = paying();
    here.others_need = std::numeric_limits<double>::infinity();

    EXPECT_TRUE(swap_pays(here));
}

TEST(Swap, DoesNotPayWithoutWork) {
    SwapCase here = paying();
    here.work_of_other = 0;

    EXPECT_FALSE(swap_pays(here));
}

TEST(Swap, DoesNotPayBeforeTheLastOneHas) {
    SwapCase here = paying();
    here.held_for = 4 * 2s - 1ns;
    EXPECT_FALSE(swap_pays(here));

    here.held_for = 4 * 2s;
    EXPECT_TRUE(swap_pays(here));
}

TEST(Swap, DoesNotPayIfOthersAreThroughBeforeItIsLoaded) {
    SwapCase here = paying();
    here.others_need = 1.9;

    EXPECT_FALSE(swap_pays(here));
}

TEST(Swap, PaysIfTheQueueOfOthersGrowsBeyondThatUntilItIsLoaded) {
    SwapCase here = paying();
    here.others_need = 1.9;
    here.growth = 0.1;  // 0.2 s more until then

    EXPECT_TRUE(swap_pays(here));
}

TEST(Swap, DoesNotPayIfMoreWorkIsHere) {
    SwapCase here = paying();
    here.work_of_resident = 11;

    EXPECT_FALSE(swap_pays(here));
}

TEST(Swap, OfADeviceThatNobodyMissesPaysEarlier) {
    SwapCase here = paying();
    here.work_of_resident = 11;
    here.others_need = 0.6;  // more than a quarter of the load
    here.load_without = 0.5;
    EXPECT_TRUE(swap_pays(here));

    here.others_need = 0.4;
    EXPECT_FALSE(swap_pays(here));
}

}  // namespace
}  // namespace bunch
