#include "scheduler/batch_former.h"

#include <gtest/gtest.h>

#include <chrono>

namespace bunch {
namespace {

using namespace std::chrono_literals;

/// 1 ms + 1 ms per row, known exactly.
CostCurve known_curve() {
    CostCurve curve;
    for (int i = 0; i < 400; ++i) {
        curve.learn_run(1, 2ms);
        curve.learn_run(9, 10ms);
    }
    return curve;
}

BatchRules rules(const CostCurve& curve, std::uint32_t limit) {
    return {limit, limit, TimePoint{} + 1s, true, kNever, &curve};
}

/// What is taken when calls of one row, without deadlines, are offered for ever.
std::uint32_t rows_taken(const BatchRules& given) {
    BatchFormer former(given);
    while (former.offer(1, kNever) > 0) {
    }
    return former.rows();
}

TEST(BatchFormer, FillsTheBatchToItsLimit) {
    const CostCurve curve;

    EXPECT_EQ(rows_taken(rules(curve, 32)), 32u);
}

TEST(BatchFormer, StopsAtTheLanesFairShare) {
    const CostCurve curve;
    BatchRules given = rules(curve, 32);
    given.share = 11;

    EXPECT_EQ(rows_taken(given), 11u);
}

TEST(BatchFormer, KeepsTheBatchShortEnoughForADeadlineInIt) {
    const CostCurve curve = known_curve();
    BatchFormer former(rules(curve, 32));

    EXPECT_EQ(former.offer(1, TimePoint{} + 1s + 8100us), 1u);
    while (former.offer(1, kNever) > 0) {
    }

    EXPECT_EQ(former.rows(), 7u);
}

TEST(BatchFormer, DoesNotShrinkTheBatchForADeadlineThatIsLostAnyway) {
    const CostCurve curve = known_curve();
    BatchFormer former(rules(curve, 32));

    EXPECT_EQ(former.offer(1, TimePoint{} + 1s + 1ms), 1u);
    while (former.offer(1, kNever) > 0) {
    }

    EXPECT_EQ(former.rows(), 32u);
}

TEST(BatchFormer, LeavesOutWhatWouldMakeAnEarlierCallLate) {
    const CostCurve curve = known_curve();
    BatchFormer former(rules(curve, 32));

    EXPECT_EQ(former.offer(4, TimePoint{} + 1s + 5100us), 4u);

    EXPECT_EQ(former.offer(4, kNever), 0u);
}

TEST(BatchFormer, LetsAnObjectiveCostHalfTheBatchAtMost) {
    const CostCurve curve = known_curve();
    BatchRules given = rules(curve, 16);

    given.soft_target = given.begin + 11100us;
    EXPECT_EQ(rows_taken(given), 10u);

    given.soft_target = given.begin + 4ms;
    EXPECT_EQ(rows_taken(given), 16u);

    given.soft_target = given.begin - 1s;
    EXPECT_EQ(rows_taken(given), 16u);
}

TEST(BatchFormer, CutsACallThatIsLargerThanABatch) {
    const CostCurve curve;
    BatchFormer former(rules(curve, 32));

    EXPECT_EQ(former.offer(30, kNever), 30u);
    EXPECT_EQ(former.offer(100, kNever), 2u);
    EXPECT_EQ(former.offer(1, kNever), 0u);
}

TEST(BatchFormer, CutsASmallCallOnlyIfTheBatchWouldBeFarFromFull) {
    const CostCurve curve;
    BatchFormer nearly_full(rules(curve, 32));
    BatchFormer half_full(rules(curve, 32));

    nearly_full.offer(24, kNever);
    half_full.offer(20, kNever);

    EXPECT_EQ(nearly_full.offer(20, kNever), 0u);
    EXPECT_EQ(half_full.offer(20, kNever), 12u);
}

}  // namespace
}  // namespace bunch
