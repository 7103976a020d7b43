// Long runs are put off where they would take the last lane from a model that loses calls.
#include "tests/scheduler/scenario.h"

namespace bunch {
namespace {

using namespace scenario;
using ::testing::IsEmpty;

constexpr ModelId kLong = kModel;  // 20 ms a run, wanted within 100 ms
constexpr ModelId kShort{2};       // 1 ms a run, wanted within 3 ms, a call each millisecond

/// Two lanes; a long run has just begun on one of them.
struct TwoLanes {
    /// `delay`: how much later than expected the short runs so far have ended.
    explicit TwoLanes(Duration delay) {
        configure(3ms);
        for (const DeviceId id : {DeviceId{1}, DeviceId{2}}) {
            scheduler.device_up(now, device(1, 1, id));
            scheduler.instance_up(now, instance(1, id, kLong));
            scheduler.instance_up(now, instance(8, id, kShort));
        }
        scheduler.recall(
            now, {exact_curve(20ms, 1us, "cpu", kLong), exact_curve(1ms, 1us, "cpu", kShort)});
        for (int i = 0; i < 100; ++i, now += 1ms) {
            const Batch batch = begin(kShort).at(0);
            scheduler.batch_done(now + 1ms + delay, batch.id, report(1001us));
            now += delay;
        }
        running = begin(kLong).at(0);
    }

    void configure(std::optional<Duration> objective_of_short) {
        ModelPolicy model_long = policy(1);
        model_long.objective = 100ms;
        ModelPolicy model_short = policy(8);
        model_short.model = kShort;
        model_short.objective = objective_of_short;
        scheduler.configure(now, {{model_long, model_short}, 5s});
    }

    std::vector<Batch> begin(ModelId model) {
        Ticket made = ticket(++next);
        made.model = model;
        scheduler.submit(now, made);
        return batches_of(decide(scheduler, now));
    }

    Scheduler scheduler{1};
    TimePoint now = at(0ms);
    std::uint64_t next = 0;
    Batch running;
};

TEST(KeepingClear, PutsALongRunOffWhileShortOnesWouldBeLostByIt) {
    TwoLanes pool(4ms);

    EXPECT_THAT(pool.begin(kLong), IsEmpty());
    const std::vector<Batch> batches = pool.begin(kShort);

    ASSERT_EQ(batches.size(), 1u);
    EXPECT_EQ(batches[0].model, kShort);
}

TEST(KeepingClear, EndsWhenTheNextLaneIsFree) {
    TwoLanes pool(4ms);
    EXPECT_THAT(pool.begin(kLong), IsEmpty());

    pool.now += 20001us;
    pool.scheduler.batch_done(pool.now, pool.running.id, report(20001us));

    EXPECT_EQ(batches_of(decide(pool.scheduler, pool.now)).at(0).model, kLong);
}

TEST(KeepingClear, IsNotForModelsThatLoseNothing) {
    TwoLanes pool(0ms);

    EXPECT_EQ(pool.begin(kLong).at(0).model, kLong);
}

TEST(KeepingClear, IsNotForModelsWhoseObjectiveWasTakenAway) {
    TwoLanes pool(4ms);
    pool.configure(std::nullopt);

    EXPECT_EQ(pool.begin(kLong).at(0).model, kLong);
}

TEST(KeepingClear, CostsTheLongRunItsDeadlineNever) {
    TwoLanes pool(4ms);
    Ticket urgent = ticket(++pool.next);
    urgent.deadline = pool.now + 30ms;  // too soon for the next lane
    pool.scheduler.submit(pool.now, urgent);

    EXPECT_EQ(batches_of(decide(pool.scheduler, pool.now)).at(0).model, kLong);
}

}  // namespace
}  // namespace bunch
