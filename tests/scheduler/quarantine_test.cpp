// Lanes whose batch takes far too long get no work until they have shown that they can.
#include "tests/scheduler/scenario.h"

namespace bunch {
namespace {

using namespace scenario;
using ::testing::IsEmpty;

/// A known lane of two slots, limit 8, whose batch of one row began at 0 ms and hangs.
struct Hanging {
    Hanging() {
        scheduler.submit(at(0ms), ticket(1));
        batch = batches_of(decide(scheduler, at(0ms))).at(0);
        scheduler.batch_started(at(0ms), batch.id);
        decide(scheduler, at(0ms));
    }
    /// Whether a lane takes any of eight rows that are submitted now; they are cancelled then.
    std::uint32_t rows_taken(TimePoint when) {
        const std::uint64_t call = ++next;
        scheduler.submit(when, ticket(call, 8));
        std::uint32_t rows = 0;
        last.clear();
        for (const Batch& one : batches_of(decide(scheduler, when))) {
            rows += one.rows;
            last.push_back(one);
        }
        scheduler.cancel(when, CallId{call});
        decide(scheduler, when);
        return rows;
    }

    Scheduler scheduler = one_lane(policy(8));
    Batch batch;
    std::vector<Batch> last;
    std::uint64_t next = 100;
};

TEST(Quarantine, BeginsAfterASecondAtTheEarliest) {
    Hanging here;

    EXPECT_GE(here.scheduler.next_wakeup(), at(1s));
    decide(here.scheduler, at(999ms));
    EXPECT_GT(here.rows_taken(at(999ms)), 0u) << "its second slot";
}

TEST(Quarantine, SendsNothingToALaneThatHangs) {
    Hanging here;
    decide(here.scheduler, at(1001ms));

    EXPECT_EQ(here.rows_taken(at(1001ms)), 0u);
    EXPECT_EQ(here.rows_taken(at(1h)), 0u);
}

TEST(Quarantine, TellsWhenToLook) {
    Hanging here;
    const TimePoint when = here.scheduler.next_wakeup().value();
    EXPECT_THAT(decide(here.scheduler, when), IsEmpty());

    EXPECT_LE(when, at(1020ms));
    EXPECT_EQ(here.rows_taken(when), 0u);
}

TEST(Quarantine, IsTenTimesTheRunForLongRuns) {
    Scheduler scheduler = new_lane(policy(8));
    LearntCurve slow = exact_curve(1s, 1s);
    scheduler.recall(at(0ms), {slow});
    scheduler.submit(at(0ms), ticket(1));
    scheduler.batch_started(at(0ms), batches_of(decide(scheduler, at(0ms))).at(0).id);
    decide(scheduler, at(0ms));

    EXPECT_GE(scheduler.next_wakeup(), at(20s));
}

TEST(Quarantine, IsNotForRunsOfWhichNothingIsKnown) {
    Scheduler scheduler = new_lane(policy(8), 2);
    scheduler.submit(at(0ms), ticket(1));
    scheduler.batch_started(at(0ms), batches_of(decide(scheduler, at(0ms))).at(0).id);

    scheduler.submit(at(100s), ticket(2));

    EXPECT_EQ(batches_of(decide(scheduler, at(100s))).size(), 1u);
}

TEST(Quarantine, NoticesAFirstBatchThatHangsOnceRunTimesAreKnown) {
    Scheduler scheduler(1);
    scheduler.configure(at(0ms), {{policy(8)}, 5s});
    scheduler.device_up(at(0ms), device(2, 1));
    scheduler.instance_up(at(0ms), instance(8));
    scheduler.submit(at(0ms), ticket(1));
    scheduler.submit(at(0ms), ticket(2));
    const std::vector<Batch> both = batches_of(decide(scheduler, at(0ms)));
    ASSERT_EQ(both.size(), 2u);
    for (const Batch& batch : both) scheduler.batch_started(at(0ms), batch.id);
    scheduler.batch_done(at(5s), both[1].id, report(2ms));
    decide(scheduler, at(5s));

    // Its batch comes through in the end; the lane is tried with one row.
    scheduler.batch_done(at(6s), both[0].id, report(6s));
    scheduler.submit(at(6s), ticket(3, 8));
    for (const Batch& batch : batches_of(decide(scheduler, at(6s))))
        EXPECT_TRUE(batch.lane != both[0].lane || batch.rows == 1);
}

TEST(Quarantine, EndsWithAProbeOfOneRowThatIsQuick) {
    Hanging here;
    decide(here.scheduler, at(1001ms));
    here.scheduler.batch_done(at(2s), here.batch.id, report(2s));
    decide(here.scheduler, at(2s));

    EXPECT_EQ(here.rows_taken(at(2020ms)), 1u) << "the probe";
    const Batch probe = here.last.at(0);
    EXPECT_EQ(here.rows_taken(at(2021ms)), 0u) << "one at a time";
    here.scheduler.batch_done(at(2022ms), probe.id, report(2ms));

    EXPECT_EQ(here.rows_taken(at(2022ms)), 8u);
}

TEST(Quarantine, GoesOnLongerAfterEachSlowProbe) {
    Hanging here;
    decide(here.scheduler, at(1001ms));
    TimePoint now = at(2s);
    here.scheduler.batch_done(now, here.batch.id, report(2s));
    std::vector<Duration> pauses;
    here.scheduler.submit(now, ticket(2, 8));
    for (int probes = 0; probes < 8; ++probes) {
        const TimePoint before = now;
        std::vector<Batch> batches = batches_of(decide(here.scheduler, now));
        while (batches.empty()) {
            now = here.scheduler.next_wakeup().value();
            batches = batches_of(decide(here.scheduler, now));
        }
        ASSERT_EQ(batches[0].rows, 1u);
        pauses.push_back(now - before);
        here.scheduler.batch_started(now, batches[0].id);
        here.scheduler.batch_done(now, batches[0].id, report(500ms));
    }

    EXPECT_LE(pauses[1], 1020ms);
    for (std::size_t i = 2; i < pauses.size(); ++i) {
        EXPECT_GE(pauses[i], pauses[i - 1]);
        EXPECT_LE(pauses[i], 60s + 20ms);
    }
    EXPECT_GE(pauses.back(), 30s);
}

TEST(Quarantine, OfOneLaneLeavesTheOthersTheWork) {
    Scheduler scheduler(1);
    scheduler.configure(at(0ms), {{policy(1)}, 5s});
    scheduler.device_up(at(0ms), device(2, 1));
    scheduler.instance_up(at(0ms), instance(1));
    teach(scheduler);
    scheduler.submit(at(0ms), ticket(1));
    const Batch hangs = batches_of(decide(scheduler, at(0ms))).at(0);
    scheduler.batch_started(at(0ms), hangs.id);
    decide(scheduler, at(2s));

    for (std::uint64_t call = 2; call < 20; ++call) {
        scheduler.submit(at(2s), ticket(call));
        const Batch batch = batches_of(decide(scheduler, at(2s))).at(0);
        EXPECT_NE(batch.lane, hangs.lane);
        scheduler.batch_done(at(2s), batch.id, report(2ms));
    }
}

TEST(Quarantine, SendsSuspectsOneRowAtATime) {
    Scheduler scheduler(1);
    scheduler.configure(at(0ms), {{policy(8)}, 5s});
    scheduler.device_up(at(0ms), device(1, 1, DeviceId{1}));
    scheduler.device_up(at(0ms), device(1, 1, DeviceId{2}));
    scheduler.instance_up(at(0ms), instance(8, DeviceId{1}));
    scheduler.instance_up(at(0ms), instance(8, DeviceId{2}));
    teach(scheduler);
    scheduler.submit(at(0ms), ticket(1, 8));
    scheduler.submit(at(0ms), ticket(2, 8));
    const std::vector<Batch> both = batches_of(decide(scheduler, at(0ms)));
    ASSERT_EQ(both.size(), 2u);
    for (const Batch& batch : both) scheduler.batch_started(at(0ms), batch.id);
    decide(scheduler, at(2s));
    scheduler.lane_lost(at(2s), both[0].lane);
    scheduler.batch_done(at(2s), both[1].id, report(2s));

    std::vector<Batch> probes;
    for (TimePoint now = at(2s); probes.empty() && now < at(10s);
         now = scheduler.next_wakeup().value_or(at(10s)))
        probes = batches_of(decide(scheduler, now));

    ASSERT_EQ(probes.size(), 1u);
    EXPECT_EQ(probes[0].rows, 1u);
}

}  // namespace
}  // namespace bunch
