// Which rows run together, when and where.
#include "tests/scheduler/scenario.h"

namespace bunch {
namespace {

using namespace scenario;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Batching, StartsAtOnceOnAnIdleLane) {
    Scheduler scheduler = one_lane(policy(8));

    scheduler.submit(at(0ms), ticket(1));

    const std::vector<Batch> batches = batches_of(decide(scheduler, at(0ms)));
    ASSERT_EQ(batches.size(), 1u);
    EXPECT_THAT(calls_of(batches[0]), ElementsAre(1));
    EXPECT_EQ(batches[0].model, kModel);
    EXPECT_EQ(batches[0].lane, LaneId{100});
    EXPECT_EQ(batches[0].instance, InstanceId{101});
    EXPECT_EQ(batches[0].rows, 1u);
}

TEST(Batching, PutsWhatWaitsTogetherUpToTheLimitInOrder) {
    Scheduler scheduler = one_lane(policy(4), 1);
    for (std::uint64_t call = 1; call <= 6; ++call) scheduler.submit(at(0ms), ticket(call));

    const std::vector<Batch> batches = batches_of(decide(scheduler, at(0ms)));

    ASSERT_EQ(batches.size(), 1u);
    EXPECT_THAT(calls_of(batches[0]), ElementsAre(1, 2, 3, 4));
}

TEST(Batching, NeverExceedsTheInstancesOwnLimit) {
    Scheduler scheduler(1);
    scheduler.configure(at(0ms), {{policy(32)}, 5s});
    scheduler.device_up(at(0ms), device(1, 1));
    scheduler.instance_up(at(0ms), instance(5));
    teach(scheduler);

    scheduler.submit(at(0ms), ticket(1, 20));

    EXPECT_EQ(batches_of(decide(scheduler, at(0ms))).at(0).rows, 5u);
}

TEST(Batching, CutsALargeCallIntoConsecutiveSlicesOverBothSlots) {
    Scheduler scheduler = one_lane(policy(8));
    scheduler.submit(at(0ms), ticket(1, 20));

    std::vector<Batch> batches = batches_of(decide(scheduler, at(0ms)));
    ASSERT_EQ(batches.size(), 2u);
    scheduler.batch_done(at(9ms), batches[0].id, report(9ms));
    scheduler.batch_done(at(18ms), batches[1].id, report(9ms));
    const std::vector<Batch> last = batches_of(decide(scheduler, at(18ms)));

    EXPECT_THAT(batches[0].slices, ElementsAre(Slice{CallId{1}, 0, 8}));
    EXPECT_THAT(batches[1].slices, ElementsAre(Slice{CallId{1}, 8, 8}));
    ASSERT_EQ(last.size(), 1u);
    EXPECT_THAT(last[0].slices, ElementsAre(Slice{CallId{1}, 16, 4}));
}

TEST(Batching, RunsOneCallPerBatchWhereTheModelIsNotBatched) {
    ModelPolicy model = policy(8);
    model.batched = false;
    Scheduler scheduler = one_lane(model);
    for (std::uint64_t call = 1; call <= 3; ++call) scheduler.submit(at(0ms), ticket(call));

    const std::vector<Batch> batches = batches_of(decide(scheduler, at(0ms)));

    ASSERT_EQ(batches.size(), 2u);
    EXPECT_THAT(calls_of(batches[0]), ElementsAre(1));
    EXPECT_THAT(calls_of(batches[1]), ElementsAre(2));
}

TEST(Batching, RunsOneCallPerBatchWhereTheBitsMustNotDependOnOthers) {
    ModelPolicy model = policy(8);
    model.numerics = Numerics::bitwise;
    Scheduler scheduler = one_lane(model, 1);
    scheduler.submit(at(0ms), ticket(1, 3));
    scheduler.submit(at(0ms), ticket(2, 3));

    EXPECT_THAT(calls_of(batches_of(decide(scheduler, at(0ms))).at(0)), ElementsAre(1));
}

TEST(Batching, NeverMixesShapes) {
    Scheduler scheduler = one_lane(policy(8), 1);
    for (std::uint64_t call = 1; call <= 4; ++call) {
        Ticket one = ticket(call);
        one.shape_class = call % 2 == 0 ? 5 : 9;
        scheduler.submit(at(Duration(call)), one);
    }

    EXPECT_THAT(calls_of(batches_of(decide(scheduler, at(1ms))).at(0)), ElementsAre(1, 3));
    scheduler.batch_done(at(2ms), BatchId{0}, report(1ms));
    EXPECT_THAT(calls_of(batches_of(decide(scheduler, at(2ms))).at(0)), ElementsAre(2, 4));
}

TEST(Batching, ForetellsTheRunOfEachPaddingBucket) {
    Scheduler scheduler = one_lane(policy(4), 1);
    Duration predicted[3]{};
    for (std::uint64_t call = 0; call < 400; ++call) {
        const ShapeClass shape = call % 2 == 0 ? 1 : 2;
        const auto rows = static_cast<std::uint32_t>(1 + call / 2 % 4);
        Ticket one = ticket(call + 1, rows);
        one.shape_class = shape;
        const TimePoint now = at(call * 100ms);
        scheduler.submit(now, one);
        for (const Decision& decision : decide(scheduler, now))
            if (const auto* dispatch = std::get_if<Dispatch>(&decision); dispatch && rows == 4)
                predicted[shape] = dispatch->predicted_run;
        scheduler.batch_done(now + 50ms, BatchId{call}, report(shape * rows * 5ms));
    }

    EXPECT_NEAR(to_seconds(predicted[1]), 0.020, 0.002);
    EXPECT_NEAR(to_seconds(predicted[2]), 0.040, 0.004);
}

TEST(Batching, TakesTheMoreUrgentPriorityFirstAndTheLessUrgentAsFarAsThereIsRoom) {
    Scheduler scheduler = one_lane(policy(3), 1);
    for (std::uint64_t call = 1; call <= 2; ++call) {
        Ticket relaxed = ticket(call);
        relaxed.priority = 3;
        scheduler.submit(at(0ms), relaxed);
    }
    scheduler.submit(at(1ms), ticket(3));
    scheduler.submit(at(1ms), ticket(4));

    EXPECT_THAT(calls_of(batches_of(decide(scheduler, at(1ms))).at(0)), ElementsAre(3, 4, 1));
}

TEST(Batching, TakesTheMoreUrgentPriorityFirstAlsoWhenNothingIsKnown) {
    Scheduler scheduler = new_lane(policy(8), 1);
    Ticket relaxed = ticket(1);
    relaxed.priority = 3;
    scheduler.submit(at(0ms), relaxed);
    scheduler.submit(at(1ms), ticket(2));

    EXPECT_THAT(calls_of(batches_of(decide(scheduler, at(1ms))).at(0)), ElementsAre(2));
}

/// Two models on one lane, each with one call: call 1 of kModel, call 2 of the other.
Scheduler two_models(std::optional<Duration> first, std::optional<Duration> second) {
    ModelPolicy one = policy(8);
    one.objective = first;
    ModelPolicy other = policy(8);
    other.model = ModelId{2};
    other.objective = second;
    Scheduler scheduler(1);
    scheduler.configure(at(0ms), {{one, other}, 5s});
    scheduler.device_up(at(0ms), device(1, 1));
    scheduler.instance_up(at(0ms), instance(8));
    scheduler.instance_up(at(0ms), instance(8, kDevice, ModelId{2}));
    scheduler.submit(at(0ms), ticket(1));
    Ticket second_ticket = ticket(2);
    second_ticket.model = ModelId{2};
    scheduler.submit(at(1ms), second_ticket);
    return scheduler;
}

TEST(Batching, ServesTheModelWhoseOldestCallWasThereFirst) {
    Scheduler scheduler = two_models({}, {});

    EXPECT_THAT(calls_of(batches_of(decide(scheduler, at(1ms))).at(0)), ElementsAre(1));
}

TEST(Batching, ServesTheModelThatHasUsedUpMoreOfItsObjective) {
    Scheduler scheduler = two_models(50ms, 5ms);

    EXPECT_THAT(calls_of(batches_of(decide(scheduler, at(3ms))).at(0)), ElementsAre(2));
}

TEST(Batching, SizesTheBatchForTheOldestDeadline) {
    Scheduler scheduler = one_lane(policy(32), 1);
    scheduler.submit(at(0ms), ticket_by(1, at(10ms)));
    for (std::uint64_t call = 2; call <= 30; ++call) scheduler.submit(at(0ms), ticket(call));

    const Batch batch = batches_of(decide(scheduler, at(0ms))).at(0);

    EXPECT_LE(run_time(batch.rows), 10ms);
    EXPECT_GE(batch.rows, 6u) << "the margin should not cost half the batch";
}

TEST(Batching, LeavesTheOtherLanesTheirShareOfTheQueue) {
    Scheduler scheduler(1);
    scheduler.configure(at(0ms), {{policy(32)}, 5s});
    scheduler.device_up(at(0ms), device(2, 2));
    scheduler.instance_up(at(0ms), instance(32));
    for (int i = 0; i < 4; ++i) {  // a device without fixed cost: half a batch is as good
        for (const std::uint32_t rows : {1u, 32u}) {
            scheduler.submit(at(0ms), ticket(1, rows));
            while (scheduler.open_calls() > 0)
                for (const Batch& batch : batches_of(decide(scheduler, at(0ms))))
                    scheduler.batch_done(at(0ms), batch.id, report(batch.rows * 1ms));
        }
    }

    for (std::uint64_t call = 1; call <= 30; ++call) scheduler.submit(at(1ms), ticket(call));

    const std::vector<Batch> batches = batches_of(decide(scheduler, at(1ms)));
    ASSERT_GE(batches.size(), 2u);
    EXPECT_EQ(batches[0].rows, 15u);
    EXPECT_NE(batches[0].lane, batches[1].lane);
}

TEST(LateBinding, FillsTheNextSlotAtOnceWhileNothingIsKnown) {
    Scheduler scheduler = new_lane(policy(8));
    scheduler.submit(at(0ms), ticket(1));
    decide(scheduler, at(0ms));

    scheduler.submit(at(1ms), ticket(2));

    EXPECT_EQ(batches_of(decide(scheduler, at(1ms))).size(), 1u);
}

/// The lane runs call 1, a batch of 1 ms + 31 ms, from 0 ms on and has a further slot.
Scheduler running(std::uint32_t limit) {
    Scheduler scheduler = one_lane(policy(limit));
    scheduler.submit(at(0ms), ticket(1, 31));
    for (const Batch& batch : batches_of(decide(scheduler, at(0ms))))
        scheduler.batch_started(at(0ms), batch.id);
    EXPECT_TRUE(decide(scheduler, at(0ms)).empty());
    EXPECT_EQ(scheduler.stats(kModel).batches_in_flight, 1u);
    return scheduler;
}

TEST(LateBinding, WaitsUntilTheRunningBatchIsNearlyThroughAndSaysWhen) {
    Scheduler scheduler = running(32);
    scheduler.submit(at(1ms), ticket(2));

    EXPECT_THAT(decide(scheduler, at(1ms)), IsEmpty());
    const std::optional<TimePoint> wake = scheduler.next_wakeup();
    ASSERT_TRUE(wake);
    EXPECT_GE(*wake, at(26ms));
    EXPECT_LE(*wake, at(29ms)) << "at least a tenth of the run ahead of its end";
    EXPECT_THAT(decide(scheduler, *wake - 1ns), IsEmpty());

    scheduler.submit(*wake, ticket(3));
    EXPECT_THAT(calls_of(batches_of(decide(scheduler, *wake)).at(0)), ElementsAre(2, 3));
}

TEST(LateBinding, DoesNotWaitWithAFullBatch) {
    Scheduler scheduler = running(32);

    scheduler.submit(at(1ms), ticket(2, 16));
    EXPECT_THAT(decide(scheduler, at(1ms)), IsEmpty());
    scheduler.submit(at(2ms), ticket(3, 16));

    EXPECT_THAT(calls_of(batches_of(decide(scheduler, at(2ms))).at(0)), ElementsAre(2, 3));
}

TEST(LateBinding, NeedsNoWakeupWhenNothingWaits) {
    Scheduler scheduler = running(32);

    EXPECT_GE(scheduler.next_wakeup(), at(1s)) << "only to see whether the batch hangs";
    EXPECT_THAT(decide(scheduler, at(31ms)), IsEmpty());
    scheduler.submit(at(31ms), ticket(2));
    EXPECT_EQ(batches_of(decide(scheduler, at(31ms))).size(), 1u);
}

TEST(LateBinding, StopsWaitingWhenTheRunningBatchIsOverdue) {
    Scheduler scheduler = running(32);
    scheduler.submit(at(500ms), ticket(2));

    EXPECT_EQ(batches_of(decide(scheduler, at(500ms))).size(), 1u);
}

TEST(LateBinding, LeavesTimeForTheCopy) {
    Scheduler scheduler = one_lane(policy(32));
    for (std::uint64_t i = 0; i < 2; ++i) {
        scheduler.submit(at(0ms), ticket(50 + i, 32));
        for (const Batch& batch : batches_of(decide(scheduler, at(0ms))))
            scheduler.batch_done(at(0ms), batch.id, {StatusCode::ok, 4ms, 1ms, run_time(32)});
    }
    scheduler.submit(at(0ms), ticket(1, 31));
    scheduler.batch_started(at(0ms), batches_of(decide(scheduler, at(0ms))).at(0).id);
    scheduler.submit(at(1ms), ticket(2));
    decide(scheduler, at(1ms));

    EXPECT_LE(*scheduler.next_wakeup(), at(32ms) - 2 * 5ms + 1ms);
}

TEST(LateBinding, TakesNoWaitBehindAnotherBatchForATransfer) {
    Scheduler scheduler = one_lane(policy(32));
    scheduler.submit(at(0ms), ticket(1, 64));
    const std::vector<Batch> both = batches_of(decide(scheduler, at(0ms)));
    ASSERT_EQ(both.size(), 2u);
    scheduler.batch_done(at(33ms), both[0].id, report(33ms));
    scheduler.batch_done(at(66ms), both[1].id, {StatusCode::ok, 0ns, 33ms, 33ms});

    scheduler.submit(at(66ms), ticket(2, 31));
    scheduler.batch_started(at(66ms), batches_of(decide(scheduler, at(66ms))).at(0).id);
    scheduler.submit(at(67ms), ticket(3));

    EXPECT_THAT(decide(scheduler, at(67ms)), IsEmpty());
}

TEST(Memory, OfADispatchedBatchIsUsedAgain) {
    Scheduler scheduler = one_lane(policy(8), 1);
    scheduler.submit(at(0ms), ticket(1, 8));
    std::vector<Decision> out;
    scheduler.decide(at(0ms), out);
    const Slice* const memory = std::get<Dispatch>(out.at(0)).batch.slices.data();

    scheduler.batch_done(at(1ms), BatchId{0}, report(1ms));
    scheduler.recycle(std::move(std::get<Dispatch>(out.at(0)).batch));
    scheduler.submit(at(1ms), ticket(2, 8));

    const std::vector<Decision> next = decide(scheduler, at(1ms));
    EXPECT_EQ(std::get<Dispatch>(next.at(0)).batch.slices.data(), memory);
}

}  // namespace
}  // namespace bunch
