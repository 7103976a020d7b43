#include "scheduler/fair_share.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <limits>

namespace bunch {
namespace {

using namespace std::chrono_literals;

constexpr TenantId kMany{1};
constexpr TenantId kFew{2};

TimePoint at(Duration since_start) {
    return TimePoint{} + 1h + since_start;
}

TenantPolicy tenant(TenantId id, double weight) {
    TenantPolicy made;
    made.tenant = id;
    made.weight = weight;
    return made;
}

TenantPolicy with_quota(double rows_per_second, double burst_rows) {
    TenantPolicy made = tenant(kMany, 1);
    made.rows_per_second = rows_per_second;
    made.burst_rows = burst_rows;
    return made;
}

/// What the tenants offered over the last two seconds, long enough for the averages to be those
/// rates; and what became of it. What is lost was excess, so that no headroom is taken off.
void two_seconds(FairShare& fair, Duration from, double rate_of_many, double rate_of_few,
                 double done_per_second) {
    fair.admit(at(from), kMany, 2 * rate_of_many, 0);
    fair.admit(at(from), kFew, 2 * rate_of_few, 0);
    const double all = rate_of_many + rate_of_few;
    fair.ended(2 * done_per_second, false, false);
    fair.ended(2 * (all - done_per_second), true, true);
    fair.review(at(from + 2s));
}

/// Up to which random number a call of the tenant conforms.
double conforming_part(FairShare& fair, TenantId id) {
    for (int i = 0; i <= 1000; ++i)
        if (fair.admit(at(0s), id, 0, (i + 0.5) / 1000)) return i / 1000.0;
    return 1;
}

TEST(FairShare, LimitsNobodyWhileNothingIsLost) {
    FairShare fair;
    fair.configure({tenant(kMany, 1), tenant(kFew, 1)});

    two_seconds(fair, 0s, 1e6, 1, 1e6 + 1);

    EXPECT_EQ(conforming_part(fair, kMany), 1);
    EXPECT_EQ(conforming_part(fair, kFew), 1);
}

TEST(FairShare, GivesWhatSomeDoNotWantToTheOthers) {
    FairShare fair;
    fair.configure({tenant(kMany, 1), tenant(kFew, 1)});

    // 600 of 1200 are delivered: 200 to the few, who want no more, 400 to the many.
    two_seconds(fair, 0s, 1000, 200, 600);

    EXPECT_EQ(conforming_part(fair, kFew), 1);
    EXPECT_NEAR(conforming_part(fair, kMany), 0.4, 0.001);
}

TEST(FairShare, SharesByWeightWhereAllWantMore) {
    FairShare fair;
    fair.configure({tenant(kMany, 3), tenant(kFew, 1)});

    two_seconds(fair, 0s, 1000, 1000, 800);

    EXPECT_NEAR(conforming_part(fair, kMany), 0.6, 0.001);
    EXPECT_NEAR(conforming_part(fair, kFew), 0.2, 0.001);
}

TEST(FairShare, CountsTenantsThatAreNotListedAsOne) {
    FairShare fair;
    fair.configure({tenant(kMany, 1)});

    fair.admit(at(0s), kMany, 2000, 0);
    fair.admit(at(0s), TenantId{77}, 1000, 0);
    fair.admit(at(0s), TenantId{78}, 1000, 0);
    fair.ended(1600, false, false);
    fair.ended(2400, true, true);
    fair.review(at(2s));

    EXPECT_NEAR(conforming_part(fair, kMany), 0.4, 0.001);
    EXPECT_NEAR(conforming_part(fair, TenantId{79}), 0.4, 0.001);
}

TEST(FairShare, DoesNotLimitATenantThatIsAlone) {
    FairShare fair;
    fair.configure({tenant(kMany, 1), tenant(kFew, 1)});

    two_seconds(fair, 0s, 1000, 0, 500);

    EXPECT_EQ(conforming_part(fair, kMany), 1);
}

TEST(FairShare, LeavesMoreHeadroomWhenConformingWorkIsLost) {
    FairShare fair;
    fair.configure({tenant(kMany, 1), tenant(kFew, 1)});
    fair.admit(at(0s), kMany, 2000, 0);
    fair.admit(at(0s), kFew, 2000, 0);
    fair.ended(2000, false, false);
    fair.ended(2000, false, true);

    fair.review(at(2s));

    // 3 % less than half of the 1000 per second that were delivered.
    EXPECT_NEAR(conforming_part(fair, kMany), 0.485, 0.001);
}

TEST(FairShare, LetsExcessFillLessOfABatchWhileConformingWorkIsLost) {
    FairShare fair;
    fair.configure({tenant(kMany, 1), tenant(kFew, 1)});
    EXPECT_EQ(fair.fill(), 1);

    for (int i = 0; i < 60; ++i) {
        fair.admit(at(i * 2s), kMany, 2000, 0);
        fair.admit(at(i * 2s), kFew, 2000, 0);
        fair.ended(2000, false, false);
        fair.ended(2000, false, true);
        fair.review(at((i + 1) * 2s));
    }

    EXPECT_DOUBLE_EQ(fair.fill(), 0.5) << "half, however long it lasts";
}

TEST(FairShare, IsLiftedStepByStepWhenNothingIsLostAnyMore) {
    FairShare fair;
    fair.configure({tenant(kMany, 1), tenant(kFew, 1)});
    two_seconds(fair, 0s, 1000, 200, 600);
    const auto quiet_seconds = [&](int from, int to) {
        for (int i = from; i < to; i += 2) two_seconds(fair, 2s + i * 1s, 1000, 200, 1200);
    };

    quiet_seconds(0, 2);
    EXPECT_NEAR(conforming_part(fair, kMany), 0.42, 0.001) << "5 % more";
    quiet_seconds(2, 60);
    EXPECT_EQ(conforming_part(fair, kMany), 1);
}

TEST(FairShare, LetsAWeightOfZeroOrNonsenseStandBehindEverybody) {
    constexpr double kNonsense[] = {0, -5, std::numeric_limits<double>::quiet_NaN(),
                                    std::numeric_limits<double>::infinity()};
    for (const double weight : kNonsense) {
        FairShare fair;
        fair.configure({tenant(kMany, weight), tenant(kFew, 1)});
        two_seconds(fair, 0s, 1000, 1000, 1000);

        EXPECT_NEAR(conforming_part(fair, kMany), 0, 0.002) << weight;
        EXPECT_NEAR(conforming_part(fair, kFew), 1, 0.002) << weight;
    }
}

TEST(FairShare, IgnoresReviewsThatComeTooSoonOrBackwards) {
    FairShare fair;
    fair.configure({tenant(kMany, 1), tenant(kFew, 1)});
    two_seconds(fair, 0s, 1000, 200, 600);

    fair.review(at(2s + 1ms));
    fair.review(at(1s));

    EXPECT_NEAR(conforming_part(fair, kMany), 0.4, 0.001);
}

TEST(Quota, IsATokenBucketThatBeginsFull) {
    FairShare fair;
    fair.configure({with_quota(100, 10)});

    EXPECT_TRUE(fair.take_quota(at(0ms), kMany, 10));
    EXPECT_FALSE(fair.take_quota(at(0ms), kMany, 1));
    EXPECT_FALSE(fair.take_quota(at(9ms), kMany, 1));
    EXPECT_TRUE(fair.take_quota(at(11ms), kMany, 1));
    EXPECT_FALSE(fair.take_quota(at(11ms), kMany, 1));
}

TEST(Quota, KeepsNoMoreThanABurst) {
    FairShare fair;
    fair.configure({with_quota(100, 10)});
    fair.take_quota(at(0ms), kMany, 10);

    EXPECT_TRUE(fair.take_quota(at(1h), kMany, 10));
    EXPECT_FALSE(fair.take_quota(at(1h), kMany, 1));
}

TEST(Quota, LetsARequestAboveTheBurstGoWhenTheBucketIsFullAndOweTheRest) {
    FairShare fair;
    fair.configure({with_quota(100, 10)});

    EXPECT_TRUE(fair.take_quota(at(0ms), kMany, 25));
    EXPECT_FALSE(fair.take_quota(at(155ms), kMany, 1)) << "15 rows are owed";
    EXPECT_TRUE(fair.take_quota(at(160ms), kMany, 1));
    EXPECT_FALSE(fair.take_quota(at(255ms), kMany, 25)) << "the bucket is not full";
    EXPECT_TRUE(fair.take_quota(at(261ms), kMany, 25));
}

TEST(Quota, BelowOneRequestIsOneRowNowAndThen) {
    FairShare fair;
    fair.configure({with_quota(0.5, 0.1)});

    EXPECT_TRUE(fair.take_quota(at(0s), kMany, 1));
    EXPECT_FALSE(fair.take_quota(at(1s), kMany, 1));
    EXPECT_TRUE(fair.take_quota(at(2s), kMany, 1));
}

TEST(Quota, IsNoneWhereItIsZeroOrNonsense) {
    for (const double rate : {0.0, -3.0, std::numeric_limits<double>::quiet_NaN()}) {
        FairShare fair;
        fair.configure({with_quota(rate, 1)});
        for (int i = 0; i < 1000; ++i) EXPECT_TRUE(fair.take_quota(at(0s), kMany, 1000)) << rate;
    }
}

TEST(Quota, KeepsWhatIsInTheBucketWhenItIsConfiguredAgain) {
    FairShare fair;
    fair.configure({with_quota(100, 10)});
    fair.take_quota(at(0ms), kMany, 8);

    fair.configure({with_quota(100, 5)});
    EXPECT_TRUE(fair.take_quota(at(0ms), kMany, 2));
    EXPECT_FALSE(fair.take_quota(at(0ms), kMany, 1));

    fair.configure({with_quota(1000, 5)});
    EXPECT_TRUE(fair.take_quota(at(1ms), kMany, 1));
    EXPECT_FALSE(fair.take_quota(at(1ms), kMany, 1));
}

TEST(Quota, IsNotFilledByAClockThatGoesBack) {
    FairShare fair;
    fair.configure({with_quota(100, 10)});
    fair.take_quota(at(1s), kMany, 10);

    EXPECT_FALSE(fair.take_quota(at(0s), kMany, 1));
}

}  // namespace
}  // namespace bunch
