// Models that keep the order of each client's calls.
#include "tests/scheduler/scenario.h"

namespace bunch {
namespace {

using namespace scenario;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

ModelPolicy ordered(std::uint32_t max_batch_rows) {
    ModelPolicy model = policy(max_batch_rows);
    model.keeps_client_order = true;
    return model;
}

Ticket ticket_of(std::uint64_t client, std::uint64_t call) {
    Ticket made = ticket(call);
    made.client = ClientId{client};
    return made;
}

/// Two lanes of one slot.
Scheduler two_lanes(ModelPolicy model) {
    Scheduler scheduler(1);
    const std::uint32_t limit = model.max_batch_rows;
    scheduler.configure(at(0ms), {{std::move(model)}, 5s});
    scheduler.device_up(at(0ms), device(2, 1));
    scheduler.instance_up(at(0ms), instance(limit));
    teach(scheduler);
    return scheduler;
}

TEST(ClientOrder, KeepsAClientsNextCallOffOtherLanes) {
    Scheduler scheduler = two_lanes(ordered(1));
    scheduler.submit(at(0ms), ticket_of(7, 1));
    const Batch first = batches_of(decide(scheduler, at(0ms))).at(0);
    scheduler.submit(at(1ms), ticket_of(7, 2));
    scheduler.submit(at(1ms), ticket_of(8, 3));

    const std::vector<Batch> others = batches_of(decide(scheduler, at(1ms)));
    ASSERT_EQ(others.size(), 1u);
    EXPECT_THAT(calls_of(others[0]), ElementsAre(3)) << "another client may overtake";

    scheduler.batch_done(at(2ms), first.id, report(2ms));
    EXPECT_THAT(calls_of(batches_of(decide(scheduler, at(2ms))).at(0)), ElementsAre(2));
}

TEST(ClientOrder, LetsAnIdleLaneOfAnotherClassHaveTheNextCallWhenTheLastIsThrough) {
    Scheduler scheduler(1);
    scheduler.configure(at(0ms), {{ordered(1)}, 5s});
    for (const std::uint32_t i : {1u, 2u}) {
        scheduler.device_up(at(0ms), device(1, 1, DeviceId{i}, i == 1 ? "slow" : "fast"));
        scheduler.instance_up(at(0ms), instance(1, DeviceId{i}));
    }
    scheduler.recall(at(0ms), {exact_curve(10ms, 1ms, "slow"), exact_curve(1ms, 1ms, "fast")});
    scheduler.submit(at(0ms), ticket(50));
    scheduler.submit(at(0ms), ticket(51));
    std::vector<Batch> running = batches_of(decide(scheduler, at(0ms)));
    ASSERT_EQ(running.size(), 1u) << "the slow lane leaves the other call to the fast one";
    for (std::uint64_t call = 1; call <= 9; ++call) scheduler.submit(at(0ms), ticket_of(7, call));
    running = batches_of(decide(scheduler, at(0ms)));
    ASSERT_EQ(running.size(), 1u) << "now there is enough for both";
    ASSERT_EQ(running[0].lane, LaneId{100});

    // The client's calls now follow each other, each when the last is through, and never wait for
    // ever: first on the slow lane, then wherever it is sooner.
    TimePoint now = at(2ms);
    scheduler.batch_done(now, BatchId{0}, report(2ms));
    std::size_t ended = 1;
    for (int i = 0; i < 200 && scheduler.open_calls() > 0; ++i) {
        const std::vector<Batch> next = batches_of(decide(scheduler, now));
        for (const Batch& batch : next) {
            const Duration run = batch.lane == LaneId{100} ? 11ms : 2ms;
            scheduler.batch_done(now + run, batch.id, report(run));
            ++ended;
        }
        if (i == 2) scheduler.batch_done(now, running[0].id, report(11ms));
        now += 11ms;
    }

    EXPECT_EQ(scheduler.open_calls(), 0u);
}

TEST(ClientOrder, LetsCallsOfOneClientShareABatch) {
    Scheduler scheduler = two_lanes(ordered(8));
    for (std::uint64_t call = 1; call <= 3; ++call) scheduler.submit(at(0ms), ticket_of(7, call));

    EXPECT_THAT(calls_of(batches_of(decide(scheduler, at(0ms))).at(0)), ElementsAre(1, 2, 3));
}

TEST(ClientOrder, HoldsOverPriorities) {
    Scheduler scheduler = two_lanes(ordered(1));
    Ticket relaxed = ticket_of(7, 1);
    relaxed.priority = 3;
    scheduler.submit(at(0ms), relaxed);
    scheduler.submit(at(0ms), ticket_of(7, 2));

    const Batch first = batches_of(decide(scheduler, at(0ms))).at(0);
    EXPECT_THAT(calls_of(first), ElementsAre(1));
    scheduler.batch_done(at(2ms), first.id, report(2ms));
    EXPECT_THAT(calls_of(batches_of(decide(scheduler, at(2ms))).at(0)), ElementsAre(2));
}

TEST(ClientOrder, HoldsOverShapes) {
    Scheduler scheduler = two_lanes(ordered(8));
    Ticket other = ticket_of(7, 1);
    other.shape_class = 9;
    scheduler.submit(at(0ms), other);
    scheduler.submit(at(0ms), ticket_of(7, 2));

    EXPECT_THAT(calls_of(batches_of(decide(scheduler, at(0ms))).at(0)), ElementsAre(1));
    EXPECT_THAT(decide(scheduler, at(1ms)), IsEmpty());
}

TEST(ClientOrder, LetsTheNextGoWhenTheOldestIsGivenUp) {
    Scheduler scheduler = two_lanes(ordered(1));
    scheduler.submit(at(0ms), ticket_of(7, 1));
    const Batch first = batches_of(decide(scheduler, at(0ms))).at(0);
    scheduler.submit(at(0ms), ticket_of(7, 2));
    scheduler.submit(at(0ms), ticket_of(7, 3));
    scheduler.cancel(at(1ms), CallId{2});
    decide(scheduler, at(1ms));

    scheduler.batch_done(at(2ms), first.id, report(2ms));

    EXPECT_THAT(calls_of(batches_of(decide(scheduler, at(2ms))).at(0)), ElementsAre(3));
}

TEST(ClientOrder, IsKeptWhenADeviceIsLost) {
    Scheduler scheduler = two_lanes(ordered(2));
    for (std::uint64_t call = 1; call <= 6; ++call) scheduler.submit(at(0ms), ticket_of(7, call));
    const Batch lost = batches_of(decide(scheduler, at(0ms))).at(0);
    scheduler.batch_started(at(0ms), lost.id);
    scheduler.lane_lost(at(1ms), lost.lane);

    std::vector<std::uint64_t> order;
    for (int i = 1; i <= 10; ++i) {
        for (const Batch& batch : batches_of(decide(scheduler, at(i * 10ms)))) {
            for (const std::uint64_t call : calls_of(batch)) order.push_back(call);
            scheduler.batch_done(at(i * 10ms), batch.id, report(run_time(batch.rows)));
        }
    }

    EXPECT_THAT(order, ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(ClientOrder, IsKeptWhenSuspectsAreLostAgain) {
    Scheduler scheduler = two_lanes(ordered(8));
    for (std::uint64_t call = 1; call <= 4; ++call) scheduler.submit(at(0ms), ticket_of(7, call));
    std::vector<std::uint64_t> order;
    std::uint32_t losses = 0;
    for (int i = 0; i < 40 && scheduler.open_calls() > 0; ++i) {
        const TimePoint when = at(i * 10ms);
        for (const Batch& batch : batches_of(decide(scheduler, when))) {
            scheduler.batch_started(when, batch.id);
            if (losses < 3) {
                scheduler.device_up(
                    when,
                    {kDevice, "cpu", {LaneId{200 + 2 * ++losses}, LaneId{201 + 2 * losses}}, 1});
                scheduler.instance_up(when, instance(8));
                break;
            }
            for (const std::uint64_t call : calls_of(batch)) order.push_back(call);
            scheduler.batch_done(when, batch.id, report(run_time(batch.rows)));
        }
    }

    EXPECT_TRUE(std::is_sorted(order.begin(), order.end())) << testing::PrintToString(order);
    EXPECT_GE(order.size(), 3u) << "one may be the culprit";
}

TEST(ClientOrder, CanBeSwitchedOffAndOnWhileCallsRun) {
    Scheduler scheduler = two_lanes(ordered(1));
    scheduler.submit(at(0ms), ticket_of(7, 1));
    const Batch first = batches_of(decide(scheduler, at(0ms))).at(0);

    scheduler.configure(at(1ms), {{policy(1)}, 5s});
    scheduler.batch_done(at(2ms), first.id, report(2ms));
    scheduler.configure(at(3ms), {{ordered(1)}, 5s});
    scheduler.device_up(at(3ms), {kDevice, "cpu", {LaneId{300}}, 1});
    scheduler.instance_up(at(3ms), instance(1));

    scheduler.submit(at(4ms), ticket_of(7, 2));
    EXPECT_THAT(calls_of(batches_of(decide(scheduler, at(4ms))).at(0)), ElementsAre(2));
}

TEST(ClientOrder, OfOneClientDoesNotHideTheOthersBehindIt) {
    Scheduler scheduler = two_lanes(ordered(1));
    scheduler.submit(at(0ms), ticket_of(7, 1));
    decide(scheduler, at(0ms));
    for (std::uint64_t call = 2; call <= 100; ++call) scheduler.submit(at(0ms), ticket_of(7, call));
    scheduler.submit(at(0ms), ticket_of(8, 101));

    EXPECT_THAT(calls_of(batches_of(decide(scheduler, at(0ms))).at(0)), ElementsAre(101));
}

}  // namespace
}  // namespace bunch
