// Priorities, their minimum share of the time, and tenants.
#include <limits>
#include <map>

#include "tests/scheduler/scenario.h"

namespace bunch {
namespace {

using namespace scenario;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Which part of the batches is of priority 1 while both priorities always wait.
double part_of_lower_priority(double minimum_share) {
    Scheduler scheduler = one_lane(policy(1), 1);
    SchedulerConfig config{{policy(1)}, 5s};
    config.minimum_share = minimum_share;
    scheduler.configure(at(0ms), config);
    std::uint64_t next = 0;
    std::map<std::uint64_t, std::uint8_t> priority_of;
    const auto submit = [&](TimePoint when, std::uint8_t priority) {
        Ticket one = ticket(++next);
        one.priority = priority;
        priority_of[next] = priority;
        scheduler.submit(when, one);
    };
    submit(at(0ms), 0);
    submit(at(0ms), 1);
    constexpr int kBatches = 2000;
    int lower = 0;
    for (int i = 0; i < kBatches; ++i) {
        const TimePoint when = at(i * 2ms);
        submit(when, 0);
        submit(when, 1);
        const Batch batch = batches_of(decide(scheduler, when)).at(0);
        lower += priority_of.at(calls_of(batch)[0]);
        scheduler.batch_done(when + 2ms, batch.id, report(2ms));
    }
    return static_cast<double>(lower) / kBatches;
}

TEST(Priority, LeavesTheLowerOnesTheirMinimumShareOfTheTime) {
    EXPECT_NEAR(part_of_lower_priority(0.05), 0.05, 0.01);
    EXPECT_NEAR(part_of_lower_priority(0.25), 0.2, 0.01) << "a quarter of what the higher get";
}

TEST(Priority, LeavesTheLowerOnesNothingWhereTheShareIsZeroOrNonsense) {
    EXPECT_EQ(part_of_lower_priority(0), 0);
    EXPECT_EQ(part_of_lower_priority(-1), 0);
    EXPECT_EQ(part_of_lower_priority(std::numeric_limits<double>::quiet_NaN()), 0);
}

TEST(Priority, LeavesTheHigherOnesAtLeastHalfWhateverTheShare) {
    EXPECT_LE(part_of_lower_priority(1), 0.51);
    EXPECT_LE(part_of_lower_priority(1e300), 0.51);
    EXPECT_LE(part_of_lower_priority(std::numeric_limits<double>::infinity()), 0.51);
}

TEST(Priority, OutlivesLinesThatGoWhileALowerOneIsLookedAt) {
    constexpr ShapeClass kShapes = 63;  // with the line of the lower priority as many as are kept
    Scheduler scheduler = one_lane(policy(1), 1);
    const auto of_shape = [](std::uint64_t call, ShapeClass shape, std::uint8_t priority) {
        Ticket made = ticket(call);
        made.shape_class = shape;
        made.priority = priority;
        return made;
    };
    TimePoint now = at(0ms);
    BatchId batch;
    for (std::uint64_t call = 1; call <= kShapes + 1; ++call) {
        const bool is_lower = call > kShapes;
        scheduler.submit(
            now, of_shape(call, is_lower ? 1 : static_cast<ShapeClass>(call), is_lower ? 1 : 0));
        batch = batches_of(decide(scheduler, now)).at(0).id;
        if (!is_lower) scheduler.batch_done(now += 2ms, batch, report(2ms));
    }
    scheduler.submit(now, of_shape(100, 40, 0));
    Ticket hopeless = of_shape(101, 1, 1);
    hopeless.late_ok = true;
    hopeless.deadline = now + 3ms;
    scheduler.submit(now, hopeless);
    now += 2ms;

    // The late call moves to a line of its own, for which the empty ones make room.
    scheduler.batch_done(now, batch, report(2ms));
    const std::vector<Batch> first = batches_of(decide(scheduler, now));
    ASSERT_EQ(first.size(), 1u);
    EXPECT_THAT(calls_of(first[0]), ElementsAre(100));
    scheduler.batch_done(now + 2ms, first[0].id, report(2ms));
    EXPECT_THAT(calls_of(batches_of(decide(scheduler, now + 2ms)).at(0)), ElementsAre(101));
}

TEST(Priority, CountsForTheModelsOfALaneTogether) {
    ModelPolicy other = policy(1);
    other.model = ModelId{2};
    Scheduler scheduler = one_lane(policy(1), 1);
    scheduler.configure(at(0ms), {{policy(1), other}, 5s});
    scheduler.instance_up(at(0ms), instance(1, kDevice, ModelId{2}));
    scheduler.recall(at(0ms), {exact_curve(1ms, 1ms, "cpu", ModelId{2})});
    Ticket relaxed = ticket(1);
    relaxed.priority = 1;
    scheduler.submit(at(0ms), relaxed);
    Ticket urgent = ticket(2);
    urgent.model = ModelId{2};
    scheduler.submit(at(1ms), urgent);

    EXPECT_THAT(calls_of(batches_of(decide(scheduler, at(1ms))).at(0)), ElementsAre(2));
}

constexpr TenantId kVictim{1};
constexpr TenantId kFlood{2};

/// A lane of 1 ms per row and 1000 rows per second; one tenant wants 200 of them, another 4000.
struct Outcome {
    double answered_of_victim = 0;  ///< in time, part of what it sent
    double rows_of_flood = 0;       ///< answered per second
};

Outcome flood(std::vector<TenantPolicy> tenants, std::uint32_t max_queued_rows) {
    ModelPolicy model = policy(1);
    model.max_queued_rows = max_queued_rows;
    Scheduler scheduler = new_lane(model, 1);
    SchedulerConfig config{{model}, 5s};
    config.tenants = std::move(tenants);
    scheduler.configure(at(0ms), config);
    scheduler.recall(at(0ms), {exact_curve(0ms, 1ms)});
    std::map<std::uint64_t, TenantId> tenant_of;
    std::uint64_t next = 0;
    double sent = 0;
    std::map<TenantId, double> answered;
    const auto submit = [&](TimePoint when, TenantId tenant) {
        Ticket one = ticket_by(++next, when + 50ms);
        one.tenant = tenant;
        tenant_of[next] = tenant;
        scheduler.submit(when, one);
    };
    std::optional<Batch> running;
    constexpr int kMilliseconds = 4000;
    for (int i = 0; i < kMilliseconds; ++i) {
        const TimePoint when = at(i * 1ms);
        const bool counts = i >= kMilliseconds / 2;
        if (running) {
            scheduler.batch_done(when, running->id, report(1ms));
            if (counts) answered[tenant_of.at(calls_of(*running)[0])] += 1;
            running.reset();
        }
        for (int k = 0; k < 4; ++k) submit(when, kFlood);
        if (i % 5 == 0) submit(when, kVictim);
        if (i % 5 == 0 && counts) sent += 1;
        for (const Batch& batch : batches_of(decide(scheduler, when))) {
            scheduler.batch_started(when, batch.id);
            running = batch;
        }
    }
    return {answered[kVictim] / sent, answered[kFlood] / (kMilliseconds / 2) * 1000};
}

TenantPolicy tenant(TenantId id, double weight) {
    TenantPolicy made;
    made.tenant = id;
    made.name = "t" + std::to_string(id.value);
    made.weight = weight;
    return made;
}

TEST(Tenants, ThatFloodDoNotTakeFromTheOthersWhatIsTheirs) {
    const Outcome outcome = flood({tenant(kVictim, 1), tenant(kFlood, 1)}, 1'000'000);

    EXPECT_GE(outcome.answered_of_victim, 0.98);
    EXPECT_GE(outcome.rows_of_flood, 750) << "what is left is not wasted";
}

TEST(Tenants, ThatAreOneHaveNothingToShare) {
    const Outcome outcome = flood({}, 1'000'000);

    EXPECT_LE(outcome.answered_of_victim, 0.5);
}

Ticket ticket_of(TenantId tenant, std::uint64_t call, std::uint32_t rows) {
    Ticket made = ticket(call, rows);
    made.tenant = tenant;
    return made;
}

TEST(Tenants, AreRefusedBeyondTheirQuotaAndOthersAreNot) {
    TenantPolicy limited = tenant(kFlood, 1);
    limited.rows_per_second = 100;
    limited.burst_rows = 10;
    Scheduler scheduler = one_lane(policy(8));
    SchedulerConfig config{{policy(8)}, 5s};
    config.tenants = {limited};
    scheduler.configure(at(0ms), config);

    scheduler.submit(at(0ms), ticket_of(kFlood, 1, 10));
    scheduler.submit(at(0ms), ticket_of(kFlood, 2, 1));
    scheduler.submit(at(0ms), ticket_of(kVictim, 3, 20));
    const std::vector<Reject> rejects = rejects_of(decide(scheduler, at(0ms)));

    ASSERT_THAT(rejects, ElementsAre(RejectOf(2, StatusCode::resource_exhausted)));
    EXPECT_EQ(rejects[0].reason, RejectReason::quota);
    EXPECT_THAT(rejects[0].status.message(),
                HasSubstr("tenant 't2' has used up its quota of 100.000000 rows per second"));
}

TEST(Tenants, PayNoQuotaForWhatIsRefusedOtherwise) {
    TenantPolicy limited = tenant(kFlood, 1);
    limited.rows_per_second = 1;
    limited.burst_rows = 5;
    Scheduler scheduler = one_lane(policy(8));
    SchedulerConfig config{{policy(8)}, 5s};
    config.tenants = {limited};
    scheduler.configure(at(0ms), config);

    Ticket late = ticket_of(kFlood, 1, 5);
    late.deadline = at(0ms);
    scheduler.submit(at(0ms), late);
    scheduler.submit(at(0ms), ticket_of(kFlood, 2, 5));

    EXPECT_THAT(rejects_of(decide(scheduler, at(0ms))),
                ElementsAre(RejectOf(1, StatusCode::deadline_exceeded)));
}

}  // namespace
}  // namespace bunch
