// Lanes that wait for clients who are about to return, and for calls that come at a steady rate.
#include "tests/scheduler/scenario.h"

namespace bunch {
namespace {

using namespace scenario;
using ::testing::IsEmpty;

constexpr Duration kThink = 100us;

Duration accelerator_time(std::uint32_t rows) {
    return 5ms + rows * 100us;
}

Ticket ticket_of(std::uint64_t client, std::uint64_t call) {
    Ticket made = ticket(call);
    made.client = ClientId{client};
    return made;
}

/// An accelerator of 5 ms + 100 us per row on which clients 1 to 4 have called in turn for long,
/// 100 us after each answer. Now it runs a batch of theirs, until `end`.
struct Turns {
    Turns() {
        scheduler.recall(at(0ms), {exact_curve(5ms, 100us)});
        for (int turn = 0; turn < 64; ++turn) {
            send_first_four();
            running = batches_of(decide(scheduler, now)).at(0);
            scheduler.batch_started(now, running.id);
            now += accelerator_time(4);
            if (turn < 63) end_batch();
        }
    }
    void send_first_four() {
        now += kThink;
        for (std::uint64_t client = 1; client <= 4; ++client)
            scheduler.submit(now, ticket_of(client, ++next));
    }
    /// Clients 5 to 8 call while the batch runs.
    void send_others(TimePoint deadline = kNever) {
        for (std::uint64_t client = 5; client <= 8; ++client) {
            Ticket made = ticket_of(client, ++next);
            made.deadline = deadline;
            scheduler.submit(now - 1ms, made);
        }
        EXPECT_THAT(decide(scheduler, now - 1ms), IsEmpty());
    }
    void end_batch() {
        EXPECT_EQ(running.rows, 4u);
        scheduler.batch_done(now, running.id, report(accelerator_time(4)));
    }

    Scheduler scheduler = new_lane(policy(64), 1);
    std::uint64_t next = 0;
    TimePoint now = at(0ms);
    Batch running;
};

TEST(Anticipation, MergesTwoHalfBatchesOfClientsThatTakeTurns) {
    Turns turns;
    turns.send_others();
    turns.end_batch();

    EXPECT_THAT(decide(turns.scheduler, turns.now), IsEmpty());
    turns.send_first_four();
    const std::vector<Decision> decisions = decide(turns.scheduler, turns.now);

    ASSERT_EQ(decisions.size(), 1u);
    EXPECT_EQ(std::get<Dispatch>(decisions[0]).batch.rows, 8u);
    EXPECT_EQ(std::get<Dispatch>(decisions[0]).closed_by, CloseReason::waited);
}

TEST(Anticipation, EndsWhenNobodyComesAfterTwoFixedTimesAtMost) {
    Turns turns;
    turns.send_others();
    turns.end_batch();

    std::vector<Batch> batches;
    TimePoint when = turns.now;
    for (int looks = 0; looks < 100 && batches.empty(); ++looks) {
        batches = batches_of(decide(turns.scheduler, when));
        if (batches.empty()) when = *turns.scheduler.next_wakeup();
    }

    ASSERT_EQ(batches.size(), 1u);
    EXPECT_EQ(batches[0].rows, 4u);
    EXPECT_GE(when, turns.now + kThink);
    EXPECT_LE(when, turns.now + 2 * 5ms);
}

TEST(Anticipation, DoesNotCostAnybodyTheDeadline) {
    Turns turns;
    Ticket urgent = ticket_of(9, 5000);
    urgent.deadline = turns.now + accelerator_time(1) + 1ms;
    turns.scheduler.submit(turns.now - 1ms, urgent);
    turns.end_batch();

    std::vector<Batch> batches;
    TimePoint when = turns.now;
    for (int looks = 0; looks < 100 && batches.empty(); ++looks) {
        const std::vector<Decision> decisions = decide(turns.scheduler, when);
        EXPECT_THAT(rejects_of(decisions), IsEmpty());
        batches = batches_of(decisions);
        if (batches.empty()) when = *turns.scheduler.next_wakeup();
    }

    ASSERT_EQ(batches.size(), 1u);
    EXPECT_LE(when + accelerator_time(batches[0].rows), urgent.deadline);
}

TEST(Anticipation, LeavesTimeForRunsOfAnotherModelThatMayTakeTheLane) {
    const auto begins_at_once = [](bool has_other_model) {
        Turns turns;
        if (has_other_model) {
            ModelPolicy other = policy(64);
            other.model = ModelId{2};
            turns.scheduler.configure(turns.now, {{policy(64), other}, 5s});
            turns.scheduler.instance_up(turns.now, instance(64, kDevice, other.model));
        }
        turns.send_others(turns.now + accelerator_time(8) + 8ms);  // runs take 5.4 ms
        turns.end_batch();
        return !batches_of(decide(turns.scheduler, turns.now)).empty();
    };

    EXPECT_FALSE(begins_at_once(false));
    EXPECT_TRUE(begins_at_once(true));
}

TEST(Anticipation, DoesNotWaitWithAFullBatch) {
    Turns turns;
    turns.scheduler.submit(turns.now - 1ms, ticket(5000, 64));
    turns.end_batch();

    EXPECT_EQ(batches_of(decide(turns.scheduler, turns.now)).at(0).rows, 64u);
}

TEST(Anticipation, WaitsAMomentForCallsThatComeAtASteadyRate) {
    // A row every 100 us, for a device of 5 ms + 100 us per row that is idle.
    Scheduler scheduler = new_lane(policy(64), 1);
    scheduler.recall(at(0ms), {exact_curve(5ms, 100us)});
    TimePoint now = at(0ms);
    std::vector<Batch> batches;
    std::uint64_t next = 0;
    for (int i = 0; i < 40; ++i, now += 100us) {
        scheduler.submit(now, ticket(++next));
        for (Batch& batch : batches_of(decide(scheduler, now))) batches.push_back(batch);
    }
    for (const Batch& batch : batches) scheduler.batch_done(now, batch.id, report(5100us));
    batches.clear();

    const TimePoint begin = now;
    while (batches.empty() && now < begin + 50ms) {
        scheduler.submit(now, ticket(++next));
        batches = batches_of(decide(scheduler, now));
        now += 100us;
    }

    ASSERT_EQ(batches.size(), 1u);
    EXPECT_LE(now, begin + 2 * 5ms);
}

}  // namespace
}  // namespace bunch
