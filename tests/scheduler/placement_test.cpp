// Which class and lane gets what waits, and what is left to others.
#include <array>

#include "tests/scheduler/scenario.h"

namespace bunch {
namespace {

using namespace scenario;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr DeviceId kSlow{1};
constexpr DeviceId kFast{2};

/// A class of 4 ms + 1 ms per row, and one of 1 ms + 10 us per row; one lane of one slot each.
Scheduler slow_and_fast(ModelPolicy model = policy(8)) {
    Scheduler scheduler(1);
    scheduler.configure(at(0ms), {{std::move(model)}, 5s});
    scheduler.device_up(at(0ms), device(1, 1, kSlow, "slow"));
    scheduler.device_up(at(0ms), device(1, 1, kFast, "fast"));
    scheduler.instance_up(at(0ms), instance(8, kSlow));
    scheduler.instance_up(at(0ms), instance(8, kFast));
    scheduler.recall(at(0ms), {exact_curve(4ms, 1ms, "slow"), exact_curve(1ms, 10us, "fast")});
    return scheduler;
}

/// The fast lane runs 8 rows, until 1.08 ms.
Batch occupy_fast(Scheduler& scheduler) {
    scheduler.submit(at(0ms), ticket(100, 8));
    const std::vector<Batch> batches = batches_of(decide(scheduler, at(0ms)));
    EXPECT_EQ(batches.size(), 1u);
    EXPECT_EQ(batches.at(0).lane, LaneId{200});
    scheduler.batch_started(at(0ms), batches[0].id);
    return batches[0];
}

TEST(Placement, PrefersTheDeviceThatIsThroughFirst) {
    Scheduler scheduler = slow_and_fast();

    for (std::uint64_t call = 2; call < 10; ++call) {
        scheduler.submit(at(1ms), ticket(call));
        const Batch batch = batches_of(decide(scheduler, at(1ms))).at(0);
        EXPECT_EQ(batch.lane, LaneId{200});
        scheduler.batch_done(at(1ms), batch.id, report(1010us));
    }
}

TEST(Placement, LeavesToABusyFastLaneWhatItFinishesSooner) {
    Scheduler scheduler = slow_and_fast();
    const Batch running = occupy_fast(scheduler);

    scheduler.submit(at(500us), ticket(1));
    EXPECT_THAT(decide(scheduler, at(500us)), IsEmpty());
    EXPECT_EQ(scheduler.next_wakeup(), at(1080us));

    scheduler.batch_done(at(1080us), running.id, report(1080us));
    const std::vector<Batch> next = batches_of(decide(scheduler, at(1080us)));
    ASSERT_EQ(next.size(), 1u);
    EXPECT_EQ(next[0].lane, LaneId{200});
}

TEST(Placement, KnowsOfALaneThatBecameFreeInTheSameMoment) {
    Scheduler scheduler = slow_and_fast();
    const Batch running = occupy_fast(scheduler);
    scheduler.submit(at(0ms), ticket_by(1, at(1500us)));
    EXPECT_THAT(rejects_of(decide(scheduler, at(0ms))),
                ElementsAre(RejectOf(1, StatusCode::deadline_exceeded)));
    scheduler.batch_done(at(0ms), running.id, report(1080us));
    EXPECT_THAT(decide(scheduler, at(0ms)), IsEmpty());

    scheduler.submit(at(0ms), ticket_by(2, at(1500us)));

    EXPECT_EQ(batches_of(decide(scheduler, at(0ms))).at(0).lane, LaneId{200});
}

TEST(Placement, GivesTheSlowLaneWhatItFinishesInTimeWhereTheFastOneHasTooMuchToDo) {
    ModelPolicy model = policy(8);
    model.objective = 50ms;
    Scheduler scheduler = slow_and_fast(model);
    TimePoint now = at(0ms);
    std::uint64_t next = 0;
    const auto occupy_fast_lane = [&] {
        scheduler.submit(now, ticket(++next, 8));
        const Batch batch = batches_of(decide(scheduler, now)).at(0);
        EXPECT_EQ(batch.lane, LaneId{200});
        return batch;
    };
    for (int i = 0; i < 200; ++i) {
        const Batch batch = occupy_fast_lane();
        now += 20ms;
        scheduler.batch_done(now, batch.id, report(1080us));
    }
    occupy_fast_lane();

    scheduler.submit(now + 500us, ticket(++next));

    EXPECT_EQ(batches_of(decide(scheduler, now + 500us)).at(0).lane, LaneId{100})
        << "it is through later there, but long before its objective";
}

TEST(Placement, GivesTheSlowLaneWhatItFinishesBeforeTheFastOneGetsToIt) {
    Scheduler scheduler = slow_and_fast();
    occupy_fast(scheduler);

    // The fast lane would need 1.08 ms for each 8 of the 64 rows.
    scheduler.submit(at(0ms), ticket(1, 64));

    const std::vector<Batch> next = batches_of(decide(scheduler, at(0ms)));
    ASSERT_EQ(next.size(), 1u);
    EXPECT_EQ(next[0].lane, LaneId{100});
    EXPECT_GE(next[0].rows, 4u);
}

TEST(Placement, DoesNotKeepASlowLaneIdleForAFastOneThatIsStalled) {
    Scheduler scheduler = slow_and_fast();
    occupy_fast(scheduler);
    scheduler.submit(at(500us), ticket(1));
    EXPECT_THAT(decide(scheduler, at(500us)), IsEmpty());

    int looks = 0;
    std::vector<Batch> next;
    TimePoint now = at(500us);
    for (; next.empty() && now < at(100ms); ++looks) {
        now = *scheduler.next_wakeup();
        next = batches_of(decide(scheduler, now));
    }

    // At 5.1 ms the fast lane is late by 4 ms, and expected to be so for 4 ms more.
    ASSERT_EQ(next.size(), 1u);
    EXPECT_EQ(next[0].lane, LaneId{100});
    EXPECT_LE(now, at(8ms));
    EXPECT_LE(looks, 20);
}

TEST(Placement, DoesNotLeaveWorkToADeviceThatDoesNotHaveTheModel) {
    Scheduler scheduler = slow_and_fast();
    scheduler.device_up(at(0ms), device(4, 1, DeviceId{3}, "fast"));
    occupy_fast(scheduler);

    scheduler.submit(at(0ms), ticket(1, 64));

    EXPECT_THAT(batches_of(decide(scheduler, at(0ms))), testing::SizeIs(1))
        << "the idle lanes of the other fast device are no help";
}

TEST(Placement, SpreadsLightLoadOverEqualLanes) {
    Scheduler scheduler(1);
    scheduler.configure(at(0ms), {{policy(8)}, 5s});
    scheduler.device_up(at(0ms), device(4, 2));
    scheduler.instance_up(at(0ms), instance(8));
    std::array<int, 4> used{};

    for (std::uint64_t call = 0; call < 400; ++call) {
        scheduler.submit(at(0ms), ticket(call));
        const Batch batch = batches_of(decide(scheduler, at(0ms))).at(0);
        ++used.at(batch.lane.value - 100);
        scheduler.batch_done(at(0ms), batch.id, report(2ms));
    }

    for (const int count : used) EXPECT_GT(count, 50);
}

TEST(Placement, AvoidsADeviceThatIsSlowerThanOthersOfItsClass) {
    Scheduler scheduler(1);
    scheduler.configure(at(0ms), {{policy(8)}, 5s});
    for (const std::uint32_t i : {1u, 2u}) {
        scheduler.device_up(at(0ms), device(1, 1, DeviceId{i}));
        scheduler.instance_up(at(0ms), instance(8, DeviceId{i}));
    }
    teach(scheduler);
    const auto run_both = [&](std::uint64_t call, TimePoint when) {
        scheduler.submit(when, ticket(call, 8));
        scheduler.submit(when, ticket(call + 1, 8));
        for (const Batch& batch : batches_of(decide(scheduler, when))) {
            const int pace = batch.lane == LaneId{200} ? 3 : 1;
            scheduler.batch_done(when, batch.id, report(pace * run_time(batch.rows)));
        }
    };
    for (std::uint64_t i = 0; i < 200; ++i) run_both(1000 + 2 * i, at(1ms));

    for (std::uint64_t call = 1; call <= 20; ++call) {
        scheduler.submit(at(1ms), ticket(call));
        const Batch batch = batches_of(decide(scheduler, at(1ms))).at(0);
        EXPECT_EQ(batch.lane, LaneId{100});
        scheduler.batch_done(at(1ms), batch.id, report(run_time(1)));
    }
}

TEST(Placement, StaysOnOneClassWhereAnswersMustNotDependOnIt) {
    ModelPolicy model = policy(8);
    model.numerics = Numerics::same_class;
    Scheduler scheduler = slow_and_fast(model);
    scheduler.submit(at(0ms), ticket(1, 16));

    const std::vector<Batch> batches = batches_of(decide(scheduler, at(0ms)));

    ASSERT_EQ(batches.size(), 1u);
    EXPECT_EQ(batches[0].lane, LaneId{100}) << "the class that was ready first";
    scheduler.device_gone(at(1ms), kSlow);
    EXPECT_THAT(rejects_of(decide(scheduler, at(1ms))),
                ElementsAre(RejectOf(1, StatusCode::unavailable)));
}

}  // namespace
}  // namespace bunch
