#include "backends/host/restart_policy.h"

#include <gtest/gtest.h>

namespace bunch {
namespace {

using namespace std::chrono_literals;

TimePoint at(Duration since_start) {
    return TimePoint{} + since_start;
}

TEST(RestartPolicy, PausesLongerAfterEachLoss) {
    RestartPolicy policy({100ms, 350ms, 10, 60s});

    EXPECT_EQ(policy.after_loss(at(1s)), at(1100ms));
    EXPECT_EQ(policy.after_loss(at(2s)), at(2200ms));
    EXPECT_EQ(policy.after_loss(at(3s)), at(3350ms));
    EXPECT_EQ(policy.after_loss(at(4s)), at(4350ms));
}

TEST(RestartPolicy, GivesUpAfterTooManyLossesInTheWindow) {
    RestartPolicy policy({100ms, 1s, 2, 60s});

    EXPECT_TRUE(policy.after_loss(at(1s)));
    EXPECT_TRUE(policy.after_loss(at(2s)));
    EXPECT_FALSE(policy.after_loss(at(3s)));
}

TEST(RestartPolicy, ForgetsLossesThatAreOlderThanTheWindow) {
    RestartPolicy policy({100ms, 1s, 2, 60s});

    EXPECT_TRUE(policy.after_loss(at(1s)));
    EXPECT_TRUE(policy.after_loss(at(2s)));
    EXPECT_EQ(policy.after_loss(at(70s)), at(70s + 100ms));
}

TEST(RestartPolicy, NeverStartsAgainWhenNoRestartIsAllowed) {
    RestartPolicy policy({100ms, 1s, 0, 60s});

    EXPECT_FALSE(policy.after_loss(at(1s)));
}

}  // namespace
}  // namespace bunch
