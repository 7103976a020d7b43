// Which calls the scheduler takes, and how it refuses or gives up others.
#include "tests/scheduler/scenario.h"

namespace bunch {
namespace {

using namespace scenario;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Rejections after one submission at 1 ms.
std::vector<Reject> rejects_after(Scheduler& scheduler, const Ticket& ticket) {
    scheduler.submit(at(1ms), ticket);
    return rejects_of(decide(scheduler, at(1ms)));
}

/// A scheduler whose lane is busy with call 99 for long.
Scheduler busy(ModelPolicy model) {
    Scheduler scheduler = one_lane(std::move(model), 1);
    scheduler.submit(at(0ms), ticket(99));
    decide(scheduler, at(0ms));
    return scheduler;
}

TEST(Admission, RefusesAModelThatIsNotConfigured) {
    Scheduler scheduler = one_lane(policy(8));
    Ticket other = ticket(1);
    other.model = ModelId{77};

    EXPECT_THAT(rejects_after(scheduler, other), ElementsAre(RejectOf(1, StatusCode::not_found)));
}

TEST(Admission, RefusesCallsWithoutRowsOrWithTooMany) {
    ModelPolicy model = policy(8);
    model.max_rows_per_request = 100;
    Scheduler scheduler = one_lane(model);

    EXPECT_THAT(rejects_after(scheduler, ticket(1, 0)),
                ElementsAre(RejectOf(1, StatusCode::invalid_argument)));
    const std::vector<Reject> too_many = rejects_after(scheduler, ticket(2, 101));
    EXPECT_THAT(too_many, ElementsAre(RejectOf(2, StatusCode::invalid_argument)));
    EXPECT_EQ(too_many[0].status.message(),
              "model 'net': 101 rows in one request, max_rows_per_request is 100");
    EXPECT_THAT(rejects_after(scheduler, ticket(3, 100)), IsEmpty());
}

TEST(Admission, TakesOneRowOnlyForAModelThatIsNotBatched) {
    ModelPolicy model = policy(8);
    model.batched = false;
    Scheduler scheduler = one_lane(model);

    EXPECT_THAT(rejects_after(scheduler, ticket(1, 2)),
                ElementsAre(RejectOf(1, StatusCode::invalid_argument)));
}

TEST(Admission, RefusesACallWhoseDeadlineHasPassedUnlessLateIsBetterThanNever) {
    Scheduler scheduler = busy(policy(8));
    Ticket late = ticket_by(1, at(1ms));
    EXPECT_THAT(rejects_after(scheduler, late),
                ElementsAre(RejectOf(1, StatusCode::deadline_exceeded)));

    late.late_ok = true;
    EXPECT_THAT(rejects_after(scheduler, late), IsEmpty());
    EXPECT_EQ(scheduler.stats(kModel).queued_calls, 1u);
}

TEST(Admission, BoundsTheRowsThatWait) {
    ModelPolicy model = policy(8);
    model.max_queued_rows = 10;
    Scheduler scheduler = busy(model);

    EXPECT_THAT(rejects_after(scheduler, ticket(1, 8)), IsEmpty());
    EXPECT_THAT(rejects_after(scheduler, ticket(2, 3)),
                ElementsAre(RejectOf(2, StatusCode::resource_exhausted)));
    EXPECT_THAT(rejects_after(scheduler, ticket(3, 2)), IsEmpty());
    EXPECT_EQ(scheduler.stats(kModel).queued_rows, 10u);
}

TEST(Admission, BoundsTheBytesThatWait) {
    ModelPolicy model = policy(8);
    model.max_queued_bytes = 250;
    Scheduler scheduler = busy(model);
    Ticket huge = ticket(4);
    huge.bytes = ~std::uint64_t{0};

    EXPECT_THAT(rejects_after(scheduler, ticket(1)), IsEmpty());
    EXPECT_THAT(rejects_after(scheduler, ticket(2)), IsEmpty());
    EXPECT_THAT(rejects_after(scheduler, ticket(3)),
                ElementsAre(RejectOf(3, StatusCode::resource_exhausted)));
    EXPECT_THAT(rejects_after(scheduler, huge),
                ElementsAre(RejectOf(4, StatusCode::resource_exhausted)));
}

TEST(Admission, RefusesNewCallsWhileDrainingAndRunsTheOldOnes) {
    Scheduler scheduler = busy(policy(8));
    scheduler.submit(at(0ms), ticket(1));

    scheduler.drain(at(1ms));

    EXPECT_THAT(rejects_after(scheduler, ticket(2)),
                ElementsAre(RejectOf(2, StatusCode::unavailable)));
    scheduler.batch_done(at(2ms), BatchId{0}, report(1ms));
    EXPECT_THAT(calls_of(batches_of(decide(scheduler, at(2ms))).at(0)), ElementsAre(1));
}

TEST(Admission, IgnoresACallThatIsSubmittedTwice) {
    Scheduler scheduler = busy(policy(8));

    scheduler.submit(at(0ms), ticket(1));
    scheduler.submit(at(0ms), ticket(1, 5));

    EXPECT_EQ(scheduler.stats(kModel).queued_rows, 1u);
}

TEST(Expiry, RejectsAWaitingCallAtItsDeadlineAndSaysWhenToLook) {
    Scheduler scheduler = busy(policy(8));
    scheduler.submit(at(0ms), ticket(1));
    scheduler.submit(at(0ms), ticket_by(2, at(7ms)));
    EXPECT_THAT(rejects_of(decide(scheduler, at(6ms))), IsEmpty());
    EXPECT_EQ(scheduler.next_wakeup(), at(7ms));

    EXPECT_THAT(rejects_of(decide(scheduler, at(7ms))),
                ElementsAre(RejectOf(2, StatusCode::deadline_exceeded)));
    EXPECT_GE(scheduler.next_wakeup(), at(1s)) << "only to see whether the batch hangs";
    EXPECT_EQ(scheduler.stats(kModel).queued_calls, 1u);
}

TEST(Expiry, LetsACallOnALaneFinish) {
    Scheduler scheduler = one_lane(policy(8));
    scheduler.submit(at(0ms), ticket_by(1, at(5ms)));
    ASSERT_EQ(batches_of(decide(scheduler, at(0ms))).size(), 1u);

    EXPECT_THAT(decide(scheduler, at(9ms)), IsEmpty());
    EXPECT_EQ(scheduler.open_calls(), 1u);
}

TEST(Expiry, KeepsACallThatMayBeLate) {
    Scheduler scheduler = busy(policy(8));
    Ticket patient = ticket_by(1, at(5ms));
    patient.late_ok = true;
    scheduler.submit(at(0ms), patient);

    EXPECT_THAT(decide(scheduler, at(9ms)), IsEmpty());
    scheduler.batch_done(at(10ms), BatchId{0}, report(10ms));
    EXPECT_THAT(calls_of(batches_of(decide(scheduler, at(10ms))).at(0)), ElementsAre(1));
}

TEST(Expiry, DropsOnlyTheWaitingRestOfACutCall) {
    Scheduler scheduler = one_lane(policy(8), 1);
    scheduler.submit(at(0ms), ticket_by(1, at(10ms), 20));
    ASSERT_EQ(batches_of(decide(scheduler, at(0ms))).at(0).rows, 8u);

    EXPECT_THAT(rejects_of(decide(scheduler, at(10ms))),
                ElementsAre(RejectOf(1, StatusCode::deadline_exceeded)));
    EXPECT_EQ(scheduler.stats(kModel).queued_rows, 0u);
    scheduler.batch_done(at(11ms), BatchId{0}, report(11ms));
    EXPECT_THAT(decide(scheduler, at(11ms)), IsEmpty());
}

TEST(Cancel, EndsAWaitingCallOnce) {
    Scheduler scheduler = busy(policy(8));
    scheduler.submit(at(0ms), ticket(1));

    scheduler.cancel(at(1ms), CallId{1});
    scheduler.cancel(at(1ms), CallId{1});

    EXPECT_THAT(rejects_of(decide(scheduler, at(1ms))),
                ElementsAre(RejectOf(1, StatusCode::cancelled)));
    EXPECT_EQ(scheduler.stats(kModel).queued_calls, 0u);
}

TEST(Cancel, EndsACallOnALaneWhoseResultIsThenOfNoConcern) {
    Scheduler scheduler = busy(policy(8));

    scheduler.cancel(at(1ms), CallId{99});

    EXPECT_THAT(rejects_of(decide(scheduler, at(1ms))),
                ElementsAre(RejectOf(99, StatusCode::cancelled)));
    scheduler.batch_done(at(2ms), BatchId{0}, report(2ms));
    EXPECT_THAT(decide(scheduler, at(2ms)), IsEmpty());
    EXPECT_EQ(scheduler.open_calls(), 0u);
}

TEST(Cancel, IgnoresACallThatIsNotKnown) {
    Scheduler scheduler = one_lane(policy(8));

    scheduler.cancel(at(1ms), CallId{5});

    EXPECT_THAT(decide(scheduler, at(1ms)), IsEmpty());
}

TEST(Configuration, LetsARemovedModelFinishItsQueueAndRefusesNewCalls) {
    Scheduler scheduler = busy(policy(8));
    scheduler.submit(at(0ms), ticket(1));

    scheduler.configure(at(1ms), {});

    EXPECT_THAT(rejects_after(scheduler, ticket(2)),
                ElementsAre(RejectOf(2, StatusCode::not_found)));
    scheduler.batch_done(at(2ms), BatchId{0}, report(2ms));
    EXPECT_EQ(batches_of(decide(scheduler, at(2ms))).size(), 1u);
}

TEST(Configuration, ChangesTheRowLimitWhileRunning) {
    Scheduler scheduler = busy(policy(8));
    scheduler.submit(at(0ms), ticket(1, 8));

    scheduler.configure(at(1ms), {{policy(3)}, 5s});

    scheduler.batch_done(at(2ms), BatchId{0}, report(2ms));
    EXPECT_EQ(batches_of(decide(scheduler, at(2ms))).at(0).rows, 3u);
}

TEST(Time, DoesNotGoBack) {
    Scheduler scheduler = busy(policy(8));
    scheduler.submit(at(10ms), ticket(1));

    scheduler.submit(at(2ms), ticket_by(2, at(5ms)));

    EXPECT_THAT(rejects_of(decide(scheduler, at(1ms))),
                ElementsAre(RejectOf(2, StatusCode::deadline_exceeded)));
}

}  // namespace
}  // namespace bunch
