#include "scheduler/cost_model.h"

#include <gtest/gtest.h>

#include <chrono>

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
