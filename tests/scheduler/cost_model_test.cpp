#include "scheduler/cost_model.h"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <random>
#include <vector>

namespace bunch {
namespace {

using namespace std::chrono_literals;

Duration line(std::uint32_t rows) {
    return 500us + rows * 20us;
}

CostCurve learnt() {
    CostCurve curve;
    for (int i = 0; i < 50; ++i)
        for (const std::uint32_t rows : {1u, 8u, 32u, 100u}) curve.learn_run(rows, line(rows));
    return curve;
}

TEST(CostCurve, LearnsAStraightLineOverRows) {
    const CostCurve curve = learnt();

    for (const std::uint32_t rows : {1u, 20u, 64u, 128u})
        EXPECT_NEAR(to_seconds(curve.run(rows)), to_seconds(line(rows)), 1e-6) << rows;
}

TEST(CostCurve, LearnsWhatRowsOfEachLastingShapeTake) {
    CostCurve curve;
    for (int i = 0; i < 200; ++i)
        for (const std::uint32_t rows : {1u, 8u, 32u, 100u}) {
            curve.learn_run(rows, line(rows), {0, 1, 1});
            curve.learn_run(rows, 4 * line(rows), {0, 1, 2});
        }

    for (const std::uint32_t rows : {1u, 20u, 64u}) {
        EXPECT_NEAR(to_seconds(curve.run(rows, {0, 1, 1})), to_seconds(line(rows)),
                    0.03 * to_seconds(line(rows)));
        EXPECT_NEAR(to_seconds(curve.run(rows, {0, 1, 2})), 4 * to_seconds(line(rows)),
                    0.12 * to_seconds(line(rows)));
        EXPECT_GT(curve.run(rows), line(rows));
        EXPECT_LT(curve.run(rows), 4 * line(rows));
    }
    EXPECT_LT(curve.deviation(), 0.02);
}

TEST(CostCurve, ForetellsAShapeSixtyTimesDearerOnceItHasRun) {
    CostCurve curve = learnt();
    const double deviation = curve.deviation();

    EXPECT_FALSE(curve.has_run(2));
    EXPECT_EQ(curve.run(8, {0, 1, 2}), curve.run(8)) << "as usual rows";
    curve.learn_run(8, 66 * line(8), {0, 1, 2});

    EXPECT_TRUE(curve.has_run(2));
    EXPECT_NEAR(to_seconds(curve.run(32, {0, 1, 2})), 66 * to_seconds(line(32)), 1e-6);
    EXPECT_NEAR(to_seconds(curve.run(32)), to_seconds(line(32)), 1e-6)
        << "of which it says nothing";
    EXPECT_DOUBLE_EQ(curve.deviation(), deviation);

    curve.learn_run(100, 60 * line(100), {0, 1, 2});
    EXPECT_NEAR(to_seconds(curve.run(32, {0, 1, 2})), 60 * to_seconds(line(32)), 1e-6);
}

TEST(CostCurve, GetsOverAFirstRunOfAShapeThatTookLongForOnce) {
    CostCurve curve = learnt();

    curve.learn_run(8, 100 * line(8), {0, 1, 2});
    EXPECT_EQ(curve.settled(2), 0u) << "no deadline is given up for what may not come again";
    curve.learn_run(8, line(8), {0, 1, 2});

    EXPECT_EQ(curve.settled(2), 2u);
    EXPECT_NEAR(to_seconds(curve.run(8, {0, 1, 2})), to_seconds(line(8)), 1e-6);
    EXPECT_NEAR(to_seconds(curve.run(8)), to_seconds(line(8)), 1e-6);
}

TEST(CostCurve, TakesAShapeThatComesAloneForLongForTheUsualOne) {
    CostCurve curve;
    for (int i = 0; i < 50; ++i)
        for (const std::uint32_t rows : {1u, 8u}) curve.learn_run(rows, line(rows), {0, 1, 1});

    for (int i = 0; i < 400; ++i) curve.learn_run(8, 60 * line(8), {0, 1, 2});

    const double usual = 60 * to_seconds(line(8));
    EXPECT_NEAR(to_seconds(curve.run(8)), usual, 0.01 * usual);
    EXPECT_NEAR(to_seconds(curve.run(8, {0, 1, 3})), usual, 0.01 * usual) << "what has not run yet";
    EXPECT_NEAR(to_seconds(curve.run(8, {0, 1, 1})), to_seconds(line(8)), 1e-6)
        << "is not forgotten";
    EXPECT_NEAR(curve.rate(8), 8 / usual, 0.1 / usual);
}

TEST(CostCurve, PutsDownToRowsWhatAFirstLargerBatchOfAShapeTakes) {
    CostCurve curve;
    for (const std::uint32_t rows : {1u, 1u, 1u, 16u, 16u, 16u})
        curve.learn_run(rows, line(rows), {0, 1, 1});

    for (const std::uint32_t rows : {1u, 16u})
        EXPECT_NEAR(to_seconds(curve.run(rows, {0, 1, 1})), to_seconds(line(rows)),
                    0.01 * to_seconds(line(rows)))
            << rows;
}

TEST(CostCurve, LearnsNothingOfShapesWhoseNumberIsUsedAgain) {
    CostCurve curve = learnt();

    for (int i = 0; i < 5; ++i) curve.learn_run(8, 2 * line(8), {0, 1, kLastingClasses + 1});

    EXPECT_EQ(curve.run(8, {0, 1, kLastingClasses + 1}), curve.run(8));
}

TEST(CostCurve, KnowsNothingBeforeTheFirstRun) {
    const CostCurve curve;

    EXPECT_FALSE(curve.known());
    EXPECT_EQ(curve.run(8), Duration::zero());
    EXPECT_EQ(curve.rows_within(1us, true, 64), 64u);
}

TEST(CostCurve, IgnoresNonsense) {
    CostCurve curve = learnt();

    curve.learn_run(0, 1ms);
    curve.learn_run(8, 0ns);
    curve.learn_run(8, -5s);
    curve.learn_run(8, std::chrono::hours(100));
    curve.learn_gather(0, 1ms);
    curve.learn_transfer(8, -1ns);

    EXPECT_NEAR(to_seconds(curve.run(64)), to_seconds(line(64)), 1e-6);
    EXPECT_EQ(curve.copy(8), Duration::zero());
}

TEST(CostCurve, IsNotThrownOffByOneStall) {
    CostCurve curve = learnt();

    curve.learn_run(32, 20s);

    EXPECT_LT(curve.run(32), 3 * line(32));
}

TEST(CostCurve, FollowsADeviceThatBecomesSlower) {
    CostCurve curve = learnt();

    for (int i = 0; i < 120; ++i)
        for (const std::uint32_t rows : {1u, 8u, 32u, 100u}) curve.learn_run(rows, 3 * line(rows));

    EXPECT_NEAR(to_seconds(curve.run(64)), to_seconds(3 * line(64)), 0.05 * to_seconds(line(64)));
}

TEST(CostCurve, KeepsTheProportionOfOtherSizesWhenOnlyOneIsSeenForLong) {
    CostCurve curve = learnt();

    for (int i = 0; i < 5000; ++i) curve.learn_run(100, line(100));
    EXPECT_NEAR(to_seconds(curve.run(1)), to_seconds(line(1)), 1e-6);

    for (int i = 0; i < 500; ++i) curve.learn_run(100, 2 * line(100));
    EXPECT_NEAR(to_seconds(curve.run(1)), to_seconds(2 * line(1)), 1e-6);
}

TEST(CostCurve, AssumesTheWorstOfSizesItHasNotSeen) {
    CostCurve curve;
    curve.learn_run(10, 10ms);

    EXPECT_EQ(curve.run(1), 10ms);
    EXPECT_EQ(curve.run(20), 20ms);
    EXPECT_EQ(curve.efficient_rows(32), 32u);
}

TEST(CostCurve, NeverSlopesDownOrStartsBelowZero) {
    CostCurve falling;
    CostCurve steep;
    for (int i = 0; i < 10; ++i) {
        falling.learn_run(1, 2ms);
        falling.learn_run(10, 1ms);
        steep.learn_run(1, 1ms);
        steep.learn_run(10, 30ms);
    }

    EXPECT_LE(falling.run(1), falling.run(100));
    EXPECT_GT(steep.run(1), Duration::zero());
}

TEST(CostCurve, FitsAsManyRowsAsTheBudgetHolds) {
    CostCurve curve = learnt();
    curve.learn_gather(10, 30us);
    curve.learn_transfer(10, 20us);  // 5 us per row in all

    for (const bool with_copy : {false, true}) {
        const std::uint32_t rows = curve.rows_within(2ms, with_copy, 1000);
        const auto time = [&](std::uint32_t n) {
            return curve.cautious_run(n) + (with_copy ? curve.copy(n) : 0ns);
        };
        EXPECT_LE(time(rows), 2ms + 1us);
        EXPECT_GT(time(rows + 1), 2ms - 1us);
    }
    EXPECT_EQ(curve.rows_within(500us, false, 1000), 0u);
    EXPECT_EQ(curve.rows_within(-1s, true, 1000), 0u);
    EXPECT_EQ(curve.rows_within(1h, true, 1000), 1000u);
}

TEST(CostCurve, FindsTheBatchThatUsesTheDeviceNearlyAsWell) {
    const CostCurve curve = learnt();

    const std::uint32_t rows = curve.efficient_rows(1000);

    const double best = to_seconds(curve.run(1000)) / 1000;
    EXPECT_LE(to_seconds(curve.run(rows)) / rows, best * 1.0301);
    EXPECT_GT(to_seconds(curve.run(rows - 2)) / (rows - 2), best * 1.03);
}

TEST(CostCurve, BeginsWithThreeRunsOfOneRowAndThreeOfHalfTheLimit) {
    CostCurve curve;
    std::vector<std::uint32_t> rows;
    for (int i = 0; i < 8; ++i) {
        rows.push_back(curve.trial_rows(32));
        curve.learn_run(rows.back(), line(rows.back()));
    }

    EXPECT_EQ(rows, (std::vector<std::uint32_t>{1, 1, 1, 16, 16, 16, 32, 32}));
    EXPECT_EQ(CostCurve().trial_rows(1), 1u);
}

TEST(CostCurve, LearnsHowMuchOtherLanesOfTheDeviceCost) {
    CostCurve curve;
    const auto time = [](std::uint32_t rows, std::uint32_t others) {
        return 500us + from_seconds(20e-6 * rows * (1 + 0.5 * others));
    };
    for (std::uint32_t i = 0; i < 2000; ++i) {
        const std::uint32_t rows = 1 + i * 7 % 64;
        const std::uint32_t others = i % 4;
        curve.learn_run(rows, time(rows, others), {others, 1});
    }

    for (const std::uint32_t others : {0u, 1u, 3u})
        for (const std::uint32_t rows : {1u, 20u, 60u})
            EXPECT_NEAR(to_seconds(curve.run(rows, {others, 1})), to_seconds(time(rows, others)),
                        0.03 * to_seconds(time(rows, others)))
                << rows << " rows beside " << others;
    EXPECT_LT(curve.rows_within(1500us, false, 64, {3, 1}),
              curve.rows_within(1500us, false, 64, {0, 1}));
}

TEST(CostCurve, MultipliesByThePaceOfTheDevice) {
    CostCurve curve;
    for (int i = 0; i < 100; ++i)
        for (const std::uint32_t rows : {1u, 64u}) curve.learn_run(rows, 2 * line(rows), {0, 2});

    EXPECT_NEAR(to_seconds(curve.run(20)), to_seconds(line(20)), 1e-6);
    EXPECT_NEAR(to_seconds(curve.run(20, {0, 3})), 3 * to_seconds(line(20)), 1e-6);
    EXPECT_NEAR(curve.rate(20, {0, 2}), 20 / to_seconds(2 * line(20)), 1);
}

TEST(CostCurve, CanBeMadeSlowerAsAWhole) {
    CostCurve curve = learnt();

    curve.rescale(1.5);

    EXPECT_NEAR(to_seconds(curve.run(64)), 1.5 * to_seconds(line(64)), 1e-6);
    curve.learn_run(64, from_seconds(1.5 * to_seconds(line(64))));
    EXPECT_NEAR(to_seconds(curve.run(64)), 1.5 * to_seconds(line(64)), 1e-6);
}

/// A device that is bad at batches of 16 to 31 rows.
Duration bent(std::uint32_t rows) {
    return rows >= 16 && rows < 32 ? line(rows) * 7 / 5 : line(rows);
}

TEST(CostCurve, CorrectsSizesThatAreNotOnTheLine) {
    CostCurve curve;
    for (std::uint32_t i = 0; i < 4000; ++i) {
        const std::uint32_t rows = 1 + i * 37 % 64;
        curve.learn_run(rows, bent(rows));
    }

    for (const std::uint32_t rows : {4u, 15u, 16u, 24u, 31u, 32u, 60u})
        EXPECT_NEAR(to_seconds(curve.run(rows)), to_seconds(bent(rows)),
                    0.05 * to_seconds(bent(rows)))
            << rows;
    // The most rows that fit are found through the corrections, too.
    for (const Duration budget : {700us, 800us, 900us, 1200us, 1500us}) {
        const std::uint32_t rows = curve.rows_within(budget, false, 64);
        EXPECT_LE(curve.cautious_run(rows), budget + 1us);
        EXPECT_GT(curve.cautious_run(rows + 1), budget - 1us);
    }
}

TEST(CostCurve, LearnsWhatNineOfTenRunsDoNotExceed) {
    std::mt19937_64 random(7);
    CostCurve curve;
    int within = 0;
    constexpr int kRuns = 20'000;
    for (int i = 0; i < 2 * kRuns; ++i) {
        const std::uint32_t rows = 1 + static_cast<std::uint32_t>(random() % 64);
        const double noise = 0.8 + 0.4 * static_cast<double>(random() >> 11) * 0x1p-53;
        const Duration time = from_seconds(noise * to_seconds(line(rows)));
        if (i >= kRuns && time <= curve.cautious_run(rows)) ++within;
        curve.learn_run(rows, time);
    }

    EXPECT_NEAR(static_cast<double>(within) / kRuns, 0.9, 0.03);
}

LearntCurve saved(const CostCurve& curve) {
    LearntCurve into;
    curve.save(into);
    return into;
}

TEST(CostCurve, PredictsTheSameAfterItWasSavedAndRestored) {
    CostCurve curve = learnt();
    curve.learn_gather(10, 30us);
    curve.learn_transfer(10, 20us);
    CostCurve other;

    other.restore(saved(curve));

    EXPECT_TRUE(other.known());
    EXPECT_EQ(other.trial_rows(32), 32u) << "nothing is tried again";
    for (const std::uint32_t rows : {1u, 20u, 128u}) {
        EXPECT_NEAR(to_seconds(other.run(rows)), to_seconds(curve.run(rows)), 1e-6);
        EXPECT_NEAR(to_seconds(other.cautious_run(rows)), to_seconds(curve.cautious_run(rows)),
                    1e-6);
    }
    EXPECT_EQ(other.copy(10), 50us);
    EXPECT_DOUBLE_EQ(other.deviation(), curve.deviation());
}

TEST(CostCurve, IsRestoredAsItsUsualShape) {
    CostCurve curve = learnt();
    for (int i = 0; i < 400; ++i)
        for (const std::uint32_t rows : {1u, 32u}) curve.learn_run(rows, 5 * line(rows), {0, 1, 2});
    CostCurve other;

    other.restore(saved(curve));

    EXPECT_NEAR(to_seconds(other.run(20)), 5 * to_seconds(line(20)), 0.01 * to_seconds(line(20)));
}

TEST(CostCurve, OfOneSizeIsRestoredAsThat) {
    CostCurve curve;
    curve.learn_run(8, 4ms);
    CostCurve other;

    other.restore(saved(curve));

    EXPECT_EQ(other.run(8), 4ms);
    EXPECT_EQ(other.run(16), 8ms);
}

TEST(CostCurve, IsNotRestoredOverWhatWasLearnt) {
    CostCurve slow;
    for (int i = 0; i < 10; ++i)
        for (const std::uint32_t rows : {1u, 8u}) slow.learn_run(rows, rows * 1s);
    CostCurve curve = learnt();

    curve.restore(saved(slow));

    EXPECT_NEAR(to_seconds(curve.run(64)), to_seconds(line(64)), 1e-6);
}

TEST(CostCurve, IsNotRestoredFromNonsense) {
    constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    std::vector<LearntCurve> nonsense;
    for (double LearntCurve::*field :
         {&LearntCurve::fixed, &LearntCurve::per_row, &LearntCurve::per_row_contended,
          &LearntCurve::upper_factor, &LearntCurve::deviation, &LearntCurve::gather_per_row,
          &LearntCurve::transfer_per_row}) {
        for (const double value : {kNan, kInfinity, -kInfinity, -1.0, 1e300}) {
            nonsense.push_back(saved(learnt()));
            nonsense.back().*field = value;
        }
    }
    nonsense.emplace_back();
    nonsense.push_back(saved(learnt()));
    nonsense.back().smallest_rows = 0;
    nonsense.push_back(saved(learnt()));
    nonsense.back().largest_rows = nonsense.back().smallest_rows - 1;

    for (const LearntCurve& one : nonsense) {
        CostCurve curve;
        curve.restore(one);
        EXPECT_FALSE(curve.known()) << &one - nonsense.data();
    }
}

TEST(CostCurve, LeavesOutCorrectionsThatAreNonsense) {
    LearntCurve one = saved(learnt());
    one.corrections.assign(100, std::numeric_limits<double>::quiet_NaN());
    one.corrections[3] = -1;
    one.corrections[4] = 1e9;
    CostCurve curve;

    curve.restore(one);

    EXPECT_NEAR(to_seconds(curve.run(64)), to_seconds(line(64)), 1e-6);
}

TEST(CostModel, KeepsOneCurvePerModelAndClass) {
    CostModel costs;
    costs.curve(ModelId{1}, costs.class_named("gpu")).learn_run(1, 1ms);
    costs.curve(ModelId{1}, costs.class_named("cpu")).learn_run(1, 7ms);

    EXPECT_EQ(costs.find(ModelId{1}, "gpu")->run(1), 1ms);
    EXPECT_EQ(costs.find(ModelId{1}, "cpu")->run(1), 7ms);
    EXPECT_EQ(costs.find(ModelId{2}, "cpu"), nullptr);
    EXPECT_EQ(costs.find(ModelId{1}, "fpga"), nullptr);
}

}  // namespace
}  // namespace bunch
