// What was learnt of run times, kept over restarts.
#include "tests/scheduler/scenario.h"

namespace bunch {
namespace {

using namespace scenario;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// Runs batches of all sizes up to eight, until the device is known.
void run_some(Scheduler& scheduler) {
    for (std::uint64_t i = 0; i < 200; ++i) {
        scheduler.submit(at(1ms), ticket(1000 + i, 1 + static_cast<std::uint32_t>(i) % 8));
        while (scheduler.open_calls() > 0)
            for (const Batch& batch : batches_of(decide(scheduler, at(1ms))))
                scheduler.batch_done(
                    at(1ms), batch.id,
                    {StatusCode::ok, batch.rows * 10us, batch.rows * 5us, run_time(batch.rows)});
    }
}

TEST(Learnt, IsNothingInTheBeginning) {
    EXPECT_THAT(new_lane(policy(8)).learnt(), IsEmpty());
}

TEST(Learnt, IsTheSameAfterItWasRecalled) {
    Scheduler first = new_lane(policy(8), 1);
    run_some(first);
    const std::vector<LearntCurve> learnt = first.learnt();
    ASSERT_THAT(learnt, SizeIs(1));
    EXPECT_EQ(learnt[0].model, kModel);
    EXPECT_EQ(learnt[0].device_class, "cpu");
    EXPECT_NEAR(learnt[0].fixed, 1e-3, 1e-6);
    EXPECT_NEAR(learnt[0].per_row, 1e-3, 1e-6);
    EXPECT_EQ(learnt[0].smallest_rows, 1u);
    EXPECT_EQ(learnt[0].largest_rows, 8u);

    Scheduler second = new_lane(policy(8), 1);
    second.recall(at(0ms), learnt);

    for (const std::uint32_t rows : {1u, 3u, 8u})
        EXPECT_NEAR(to_seconds(second.predicted_run(kModel, "cpu", rows).value()),
                    to_seconds(run_time(rows)), 1e-6);
    const std::vector<LearntCurve> again = second.learnt();
    ASSERT_THAT(again, SizeIs(1));
    EXPECT_NEAR(again[0].fixed, learnt[0].fixed, 1e-9);
    EXPECT_NEAR(again[0].gather_per_row, learnt[0].gather_per_row, 1e-12);
    EXPECT_NEAR(again[0].transfer_per_row, learnt[0].transfer_per_row, 1e-12);
    EXPECT_EQ(again[0].upper_factor, learnt[0].upper_factor);
}

TEST(Learnt, SparesTheTrialsOfANewLife) {
    Scheduler scheduler = new_lane(policy(8), 1);
    scheduler.recall(at(0ms), {exact_curve(1ms, 1ms)});
    scheduler.submit(at(0ms), ticket(1, 8));

    EXPECT_EQ(batches_of(decide(scheduler, at(0ms))).at(0).rows, 8u);
}

TEST(Learnt, CanBeRecalledBeforeModelsAndDevicesAreKnown) {
    Scheduler scheduler(1);
    scheduler.recall(at(0ms), {exact_curve(1ms, 1ms)});
    scheduler.configure(at(0ms), {{policy(8)}, 5s});
    scheduler.device_up(at(0ms), device(1, 1));
    scheduler.instance_up(at(0ms), instance(8));
    scheduler.submit(at(0ms), ticket(1, 8));

    EXPECT_EQ(batches_of(decide(scheduler, at(0ms))).at(0).rows, 8u);
}

TEST(Learnt, DecidesPlacementFromTheFirstCallOn) {
    Scheduler scheduler(1);
    scheduler.configure(at(0ms), {{policy(8)}, 5s});
    for (const std::uint32_t i : {1u, 2u}) {
        scheduler.device_up(at(0ms), device(1, 1, DeviceId{i}, i == 1 ? "slow" : "fast"));
        scheduler.instance_up(at(0ms), instance(8, DeviceId{i}));
    }
    scheduler.recall(at(0ms), {exact_curve(42ms, 1ms, "slow"), exact_curve(1ms, 1ms, "fast")});
    scheduler.submit(at(0ms), ticket(1));

    EXPECT_EQ(batches_of(decide(scheduler, at(0ms))).at(0).lane, LaneId{200});
}

TEST(Learnt, IsNotReplacedByWhatIsRecalledLater) {
    Scheduler scheduler = new_lane(policy(8), 1);
    run_some(scheduler);

    scheduler.recall(at(1s), {exact_curve(1s, 1s)});

    EXPECT_NEAR(to_seconds(scheduler.predicted_run(kModel, "cpu", 8).value()),
                to_seconds(run_time(8)), 1e-6);
}

TEST(Learnt, IgnoresNonsense) {
    Scheduler scheduler = new_lane(policy(8), 1);
    LearntCurve nonsense = exact_curve(1ms, 1ms);
    nonsense.fixed = -1;
    LearntCurve empty;
    empty.model = kModel;

    scheduler.recall(at(0ms), {nonsense, empty});

    EXPECT_EQ(scheduler.predicted_run(kModel, "cpu", 8), std::nullopt);
    EXPECT_THAT(scheduler.learnt(), IsEmpty());
}

}  // namespace
}  // namespace bunch
