#include "scheduler/batch_former.h"

#include <gtest/gtest.h>

#include <chrono>

namespace bunch {
namespace {

using namespace std::chrono_literals;

/// 1 ms + 1 ms per row, known exactly.
CostCurve known_curve() {
    CostCurve curve;
    LearntCurve exactly;
    exactly.fixed = exactly.per_row = 1e-3;
    exactly.smallest_rows = 1;
    exactly.largest_rows = 32;
    curve.restore(exactly);
    return curve;
}

BatchRules rules(const CostCurve& curve, std::uint32_t limit) {
    return {limit, limit, TimePoint{} + 1s, true, {}, &curve};
}

/// What is taken when calls of one row, without deadlines, are offered for ever.
void fill(BatchFormer& former) {
    while (former.offer(1, kNever) > 0) {
    }
}

TEST(BatchFormer, FillsTheBatchAsFarAsPlanned) {
    const CostCurve curve;
    const BatchRules given = rules(curve, 32);
    BatchFormer whole(given, 32);
    BatchFormer part(given, 11);
    BatchFormer above(given, 99);

    fill(whole);
    fill(part);
    fill(above);

    EXPECT_EQ(whole.rows(), 32u);
    EXPECT_EQ(part.rows(), 11u);
    EXPECT_EQ(above.rows(), 32u) << "the limit is hard";
}

TEST(BatchFormer, KeepsTheBatchShortEnoughForEachDeadlineInIt) {
    const CostCurve curve = known_curve();
    const BatchRules given = rules(curve, 32);
    BatchFormer former(given, 32);

    EXPECT_EQ(former.offer(2, given.begin + 20100us), 2u);
    EXPECT_EQ(former.offer(1, given.begin + 8100us), 1u);
    fill(former);

    EXPECT_EQ(former.rows(), 7u);
}

TEST(BatchFormer, LeavesOutACallThatWouldBeLateAndShrinksNothingForIt) {
    const CostCurve curve = known_curve();
    const BatchRules given = rules(curve, 32);
    BatchFormer former(given, 32);

    EXPECT_EQ(former.offer(1, given.begin + 1ms), 0u);
    EXPECT_EQ(former.offer(20, kNever), 20u);
    EXPECT_EQ(former.offer(1, given.begin + 8100us), 0u) << "21 rows take 22 ms";
    fill(former);

    EXPECT_EQ(former.rows(), 32u);
}

TEST(BatchFormer, LeavesOutWhatWouldMakeAnEarlierCallLate) {
    const CostCurve curve = known_curve();
    const BatchRules given = rules(curve, 32);
    BatchFormer former(given, 32);

    EXPECT_EQ(former.offer(4, given.begin + 5100us), 4u);

    EXPECT_EQ(former.offer(4, kNever), 0u);
    EXPECT_TRUE(former.is_full());
}

TEST(BatchFormer, CountsTheCopyOnlyWhereTheLaneWaitsForIt) {
    CostCurve curve = known_curve();
    curve.learn_gather(10, 10ms);  // 1 ms per row
    BatchRules given = rules(curve, 32);

    EXPECT_EQ(given.rows_by(given.begin + 9100us), 4u) << "1 ms + 4 x (1 ms + 1 ms)";
    given.lane_is_idle = false;
    EXPECT_EQ(given.rows_by(given.begin + 9100us), 8u);
    EXPECT_EQ(given.rows_by(given.begin - 1s), 0u);
    EXPECT_EQ(given.rows_by(kNever), 32u);
}

TEST(BatchFormer, CutsACallThatIsLargerThanABatch) {
    const CostCurve curve;
    const BatchRules given = rules(curve, 32);
    BatchFormer former(given, 32);

    EXPECT_EQ(former.offer(30, kNever), 30u);
    EXPECT_EQ(former.offer(100, kNever), 2u);
    EXPECT_EQ(former.offer(1, kNever), 0u);
}

TEST(BatchFormer, CutsASmallCallOnlyIfTheBatchWouldBeFarFromFull) {
    const CostCurve curve;
    const BatchRules given = rules(curve, 32);
    BatchFormer nearly_full(given, 32);
    BatchFormer half_full(given, 32);

    nearly_full.offer(24, kNever);
    half_full.offer(20, kNever);

    EXPECT_EQ(nearly_full.offer(20, kNever), 0u);
    EXPECT_EQ(half_full.offer(20, kNever), 12u);
}

TEST(WorthOfABatch, CountsTheRowsBeyondTheUsualRateAtFullLoadAndTheLostOnesAtNone) {
    // 20 rows in 10 ms, where 1000 rows per second are usual: 10 beyond.
    EXPECT_DOUBLE_EQ(worth_of_batch(1, 20, 3, 1000, 10ms), 10);
    EXPECT_DOUBLE_EQ(worth_of_batch(0, 20, 3, 1000, 10ms), -3);
    EXPECT_DOUBLE_EQ(worth_of_batch(0.5, 20, 3, 1000, 10ms), 5 - 1.5);
}

TEST(BatchRules, CallNothingHopelessThatWasNeverTried) {
    CostCurve one_size;
    one_size.learn_run(1, 2ms);
    const BatchRules tried = rules(one_size, 32);
    const CostCurve curve = known_curve();
    const BatchRules known = rules(curve, 32);

    EXPECT_EQ(tried.hopeless_before(32), tried.begin);
    EXPECT_EQ(tried.rows_by(tried.begin + 3ms), 32u);
    EXPECT_LT(known.rows_by(known.hopeless_before(32) - 1us), 32u);
    EXPECT_EQ(known.rows_by(known.hopeless_before(32) + 2us), 32u);
}

TEST(CostCurve, EndsItsTrialsEvenIfTheDeviceReportsNoTimes) {
    CostCurve curve;
    for (int i = 0; i < 6; ++i) curve.learn_run(1, 0ns);

    EXPECT_EQ(curve.trial_rows(32), 32u);
}

}  // namespace
}  // namespace bunch
