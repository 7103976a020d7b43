// A padding bucket that comes for the first time may take far longer than the usual one. That is
// no fault of the lane or its device.
#include "tests/scheduler/scenario.h"

namespace bunch {
namespace {

using namespace scenario;
using ::testing::IsEmpty;

constexpr ModelId kOther{2};
constexpr ShapeClass kShort = 1;
constexpr ShapeClass kLong = 2;

Ticket of_shape(std::uint64_t call, ShapeClass shape) {
    Ticket made = ticket(call);
    made.shape_class = shape;
    return made;
}

/// One lane of one slot, where batches of kShort take 20 ms, those of kLong 1.2 s, and those of
/// another model 2 ms. All but kLong is well known.
struct OneLane {
    OneLane() {
        ModelPolicy other = policy(8);
        other.model = kOther;
        other.name = "other";
        scheduler.configure(now, {{policy(8), other}, 5s});
        scheduler.device_up(now, device(1, 1));
        scheduler.instance_up(now, instance(8));
        scheduler.instance_up(now, instance(8, kDevice, kOther));
        for (int i = 0; i < 40; ++i) {
            EXPECT_TRUE(run(of_shape(++next, kShort), 20ms));
            EXPECT_TRUE(run(other_call(), 2ms));
        }
    }
    Ticket other_call() {
        Ticket made = ticket(++next);
        made.model = kOther;
        return made;
    }
    /// Whether a call runs at once; it then takes so long.
    bool run(const Ticket& call, Duration compute) {
        if (!begin(call)) return false;
        end(compute);
        return true;
    }
    bool begin(const Ticket& call) {
        scheduler.submit(now, call);
        const std::vector<Decision> decisions = decide(scheduler, now);
        const std::vector<Batch> batches = batches_of(decisions);
        if (batches.size() != 1) return false;
        batch = batches[0].id;
        rows = batches[0].rows;
        predicted = std::get<Dispatch>(decisions[0]).predicted_run;
        scheduler.batch_started(now, batch);
        return true;
    }
    /// The batch ends; until then the scheduler looks at the lane whenever it wants to.
    void end(Duration compute) {
        const TimePoint through = now + compute;
        while (scheduler.next_wakeup().value_or(kNever) < through) {
            now = std::max(now, *scheduler.next_wakeup());
            EXPECT_THAT(decide(scheduler, now), IsEmpty());
            now += 1ms;
        }
        now = through;
        scheduler.batch_done(now, batch, report(compute));
    }

    Scheduler scheduler{1};
    TimePoint now = at(0ms);
    std::uint64_t next = 0;
    BatchId batch;  ///< the newest
    std::uint32_t rows = 0;
    Duration predicted{};
};

TEST(NewShape, ThatIsFarDearerLeavesTheLaneSound) {
    OneLane here;

    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(here.run(of_shape(++here.next, kLong), 1200ms)) << "long batch " << i;
        // A lane that is not sound takes one row at a time.
        Ticket eight = here.other_call();
        eight.rows = 8;
        ASSERT_TRUE(here.run(eight, 2ms)) << "after long batch " << i;
        ASSERT_EQ(here.rows, 8u) << "after long batch " << i;
    }
}

TEST(NewShape, IsForetoldFromItsSecondBatchOn) {
    OneLane here;
    ASSERT_TRUE(here.run(of_shape(++here.next, kLong), 1200ms));

    ASSERT_TRUE(here.begin(of_shape(++here.next, kLong)));

    EXPECT_GT(here.predicted, 800ms);
    EXPECT_LT(here.predicted, 1800ms);
}

TEST(NewShape, ThatIsFarDearerDoesNotMakeTheDeviceLookSlow) {
    OneLane here;
    for (int i = 0; i < 8; ++i)
        ASSERT_TRUE(here.run(of_shape(++here.next, kLong), 1200ms)) << "long batch " << i;

    Ticket urgent = here.other_call();
    urgent.deadline = here.now + 3ms;
    ASSERT_TRUE(here.begin(urgent)) << "is shed, though it takes 2 ms";

    EXPECT_LT(here.predicted, 2200us);
}

TEST(NewShape, ThatNeverComesBackEndsUpInQuarantineAllTheSame) {
    OneLane here;
    ASSERT_TRUE(here.begin(of_shape(++here.next, kLong)));
    decide(here.scheduler, here.now);

    TimePoint look = here.now;
    while (const auto wakeup = here.scheduler.next_wakeup()) {
        ASSERT_LT(*wakeup, here.now + 60s) << "it should be in quarantine by now";
        decide(here.scheduler, look = *wakeup);
    }
    EXPECT_GT(look, here.now + 10s);

    // It comes back in the end; the lane is then tried with one row.
    here.now = look + 1s;
    here.scheduler.batch_done(here.now, here.batch, report(60s));
    Ticket eight = here.other_call();
    eight.rows = 8;
    here.scheduler.submit(here.now, eight);
    for (const Batch& batch : batches_of(decide(here.scheduler, here.now)))
        EXPECT_EQ(batch.rows, 1u);
}

TEST(NewShape, WhoseFirstBatchTookLongForOnceKeepsItsUrgentCalls) {
    OneLane here;
    ASSERT_TRUE(here.run(of_shape(++here.next, kLong), 1200ms)) << "the device prepares for it";
    const auto urgent = [&here] {
        Ticket made = of_shape(++here.next, kLong);
        made.deadline = here.now + 50ms;
        return made;
    };

    EXPECT_TRUE(here.run(urgent(), 20ms));
    EXPECT_TRUE(here.run(urgent(), 20ms));
    EXPECT_LT(here.predicted, 30ms);
}

}  // namespace
}  // namespace bunch
