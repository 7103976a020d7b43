// Calls whose deadline nobody can meet, and those that are left behind since others gain more.
#include "tests/scheduler/scenario.h"

namespace bunch {
namespace {

using namespace scenario;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Ticket late_ok(Ticket ticket) {
    ticket.late_ok = true;
    return ticket;
}

MATCHER_P(ShedOf, call, "") {
    return arg.call == CallId{static_cast<std::uint64_t>(call)} &&
           arg.status.code() == StatusCode::deadline_exceeded && arg.reason == RejectReason::shed;
}

TEST(Shedding, RejectsACallThatNoDeviceCanFinishInTime) {
    Scheduler scheduler = one_lane(policy(8), 1);
    scheduler.submit(at(0ms), ticket_by(1, at(4ms), 8));

    const std::vector<Reject> rejects = rejects_of(decide(scheduler, at(0ms)));

    ASSERT_THAT(rejects, ElementsAre(ShedOf(1)));
    EXPECT_EQ(rejects[0].status.message(),
              "no device could meet the deadline any more after 0 us in the queue");
    EXPECT_EQ(scheduler.stats(), QueueStats());
}

TEST(Shedding, TriesWhileNothingIsKnown) {
    Scheduler scheduler = new_lane(policy(8), 1);
    scheduler.submit(at(0ms), ticket_by(1, at(1us)));

    EXPECT_EQ(batches_of(decide(scheduler, at(0ms))).size(), 1u);
}

TEST(Shedding, KeepsACallThatAnotherClassFinishesInTime) {
    Scheduler scheduler(1);
    scheduler.configure(at(0ms), {{policy(8)}, 5s});
    for (const std::uint32_t i : {1u, 2u}) {
        scheduler.device_up(at(0ms), device(1, 1, DeviceId{i}, i == 1 ? "slow" : "fast"));
        scheduler.instance_up(at(0ms), instance(8, DeviceId{i}));
    }
    scheduler.recall(at(0ms), {exact_curve(40ms, 1ms, "slow"), exact_curve(4ms, 1ms, "fast")});
    scheduler.submit(at(0ms), ticket(1, 8));
    const Batch running = batches_of(decide(scheduler, at(0ms))).at(0);
    ASSERT_EQ(running.lane, LaneId{200});
    scheduler.batch_started(at(0ms), running.id);

    scheduler.submit(at(1ms), ticket_by(2, at(20ms)));
    scheduler.submit(at(1ms), ticket_by(3, at(15ms)));

    // The fast lane is free at 12 ms, and could end one of them at 17 ms.
    EXPECT_THAT(rejects_of(decide(scheduler, at(1ms))), ElementsAre(ShedOf(3)));
    scheduler.batch_done(at(12ms), running.id, report(12ms));
    EXPECT_THAT(calls_of(batches_of(decide(scheduler, at(12ms))).at(0)), ElementsAre(2));
}

TEST(Shedding, PutsACallBehindTheOthersThatMayBeLate) {
    Scheduler scheduler = one_lane(policy(2), 1);
    scheduler.submit(at(0ms), late_ok(ticket_by(1, at(1ms), 2)));
    scheduler.submit(at(0ms), ticket(2, 2));

    const Batch first = batches_of(decide(scheduler, at(0ms))).at(0);
    EXPECT_THAT(calls_of(first), ElementsAre(2));
    scheduler.batch_done(at(3ms), first.id, report(3ms));

    EXPECT_THAT(calls_of(batches_of(decide(scheduler, at(3ms))).at(0)), ElementsAre(1));
}

TEST(Shedding, LetsALateCallHaveItsShareOfTheTime) {
    Scheduler scheduler = one_lane(policy(1), 1);
    scheduler.submit(at(0ms), late_ok(ticket_by(1, at(1ms))));
    int turn = 0;

    for (bool is_through = false; !is_through && turn < 100; ++turn) {
        const TimePoint when = at(turn * 2ms);
        scheduler.submit(when, ticket(10 + static_cast<std::uint64_t>(turn)));
        for (const Batch& batch : batches_of(decide(scheduler, when))) {
            is_through = calls_of(batch)[0] == 1;
            scheduler.batch_done(when + 2ms, batch.id, report(2ms));
        }
    }

    EXPECT_GT(turn, 10);
    EXPECT_LT(turn, 40) << "a twentieth of the time";
}

TEST(Shedding, EndsACallOfSeveralPiecesOnce) {
    Scheduler scheduler = one_lane(policy(8));
    scheduler.submit(at(0ms), ticket_by(1, at(12ms), 12));
    ASSERT_EQ(batches_of(decide(scheduler, at(0ms))).at(0).rows, 8u);
    scheduler.submit(at(0ms), ticket(2));
    scheduler.device_lost(at(1ms), kDevice);
    decide(scheduler, at(1ms));
    scheduler.device_up(at(5ms), {kDevice, "cpu", {LaneId{500}}, 1});
    scheduler.instance_up(at(5ms), instance(8));

    const std::vector<Decision> decisions = decide(scheduler, at(5ms));

    EXPECT_THAT(rejects_of(decisions), ElementsAre(ShedOf(1)));
    EXPECT_THAT(calls_of(batches_of(decisions).at(0)), ElementsAre(2));
    EXPECT_EQ(scheduler.stats(kModel).queued_rows, 0u);
}

TEST(Shedding, DoesNotCountOnACallThatIsGivenUpOnTheWay) {
    // What one class is about to take must not be given up for another without notice. Two lanes
    // of the first slow each other down: taken as usual, one row takes it 6 ms; alone, 2 ms.
    LearntCurve contended = exact_curve(1ms, 1ms, "first");
    contended.per_row_contended = 4e-3;
    Scheduler scheduler(1);
    scheduler.configure(at(0ms), {{policy(8)}, 5s});
    scheduler.device_up(at(0ms), device(2, 1, DeviceId{1}, "first"));
    scheduler.device_up(at(0ms), device(1, 1, DeviceId{2}, "second"));
    scheduler.instance_up(at(0ms), instance(8, DeviceId{1}));
    scheduler.instance_up(at(0ms), instance(8, DeviceId{2}));
    scheduler.recall(at(0ms), {contended, exact_curve(20ms, 1ms, "second")});

    scheduler.submit(at(0ms), ticket_by(1, at(3ms)));
    const std::vector<Decision> decisions = decide(scheduler, at(0ms));

    EXPECT_EQ(decisions.size(), 1u) << "one end, or one batch";
    EXPECT_EQ(scheduler.stats(kModel).queued_rows, 0u);
}

/// A lane of 10 ms + 100 us per row, limit 32, that has been busy for a while or not at all.
/// Then a call waits which leaves time for four rows, and behind it 31 which leave more.
Scheduler with_an_urgent_head(bool is_loaded) {
    Scheduler scheduler = new_lane(policy(32), 1);
    scheduler.recall(at(0ms), {exact_curve(10ms, 100us)});
    TimePoint now = at(0ms);
    for (std::uint64_t i = 0; is_loaded && i < 100; ++i) {
        scheduler.submit(now, ticket(1000 + i, 32));
        const Batch batch = batches_of(decide(scheduler, now)).at(0);
        now += 13'200us;
        scheduler.batch_done(now, batch.id, report(13'200us));
    }
    now = at(2s);
    if (is_loaded) now = at(100 * 13'200us);
    scheduler.submit(now, ticket_by(1, now + 10'450us));
    for (std::uint64_t call = 2; call <= 32; ++call)
        scheduler.submit(now, ticket_by(call, now + 20ms));
    return scheduler;
}

TEST(Shedding, LeavesAnUrgentCallBehindWhenItWouldCostTheOthersMost) {
    Scheduler scheduler = with_an_urgent_head(true);
    const TimePoint now = at(100 * 13'200us);

    const std::vector<Decision> decisions = decide(scheduler, now);

    ASSERT_EQ(batches_of(decisions).size(), 1u);
    EXPECT_EQ(calls_of(batches_of(decisions)[0]).front(), 2u);
    EXPECT_EQ(batches_of(decisions)[0].rows, 31u);
    scheduler.batch_done(now + 13'100us, batches_of(decisions)[0].id, report(13'100us));
    EXPECT_THAT(rejects_of(decide(scheduler, now + 13'100us)),
                ElementsAre(RejectOf(1, StatusCode::deadline_exceeded)));
}

TEST(Shedding, ServesAnUrgentCallWhileThereIsTimeToSpare) {
    Scheduler scheduler = with_an_urgent_head(false);

    const std::vector<Batch> batches = batches_of(decide(scheduler, at(2s)));

    ASSERT_EQ(batches.size(), 1u);
    EXPECT_THAT(calls_of(batches[0]), ElementsAre(1, 2, 3, 4));
}

}  // namespace
}  // namespace bunch
