// Whatever devices report and operators configure: defined behaviour.
#include <cmath>
#include <limits>

#include "tests/scheduler/scenario.h"

namespace bunch {
namespace {

using namespace scenario;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(Nonsense, OfDeviceTimesChangesNoPrediction) {
    Scheduler scheduler = one_lane(policy(8), 1);
    const Duration times[] = {0ns, -1ns, -5s, Duration::min(), Duration::max(), 1000h};
    std::uint64_t call = 0;
    for (const Duration time : times) {
        scheduler.submit(at(0ms), ticket(++call, 8));
        const Batch batch = batches_of(decide(scheduler, at(0ms))).at(0);
        scheduler.batch_done(at(0ms), batch.id, {StatusCode::ok, time, time, time});
    }

    EXPECT_NEAR(to_seconds(scheduler.predicted_run(kModel, "cpu", 8).value()),
                to_seconds(run_time(8)), 1e-6);
    EXPECT_EQ(scheduler.open_calls(), 0u);
}

TEST(Nonsense, OfAnUnknownDevicesTimesTeachesNothing) {
    Scheduler scheduler = new_lane(policy(8), 1);
    scheduler.submit(at(0ms), ticket(1));
    const Batch batch = batches_of(decide(scheduler, at(0ms))).at(0);
    scheduler.batch_done(at(0ms), batch.id, {StatusCode::ok, -1s, Duration::min(), 0ns});

    EXPECT_EQ(scheduler.predicted_run(kModel, "cpu", 8), std::nullopt);
    EXPECT_THAT(scheduler.learnt(), IsEmpty());
}

TEST(Nonsense, OfAFewHugeTimesDoesNotStopTheLane) {
    Scheduler scheduler = one_lane(policy(8), 1);
    for (std::uint64_t call = 1; call <= 200; ++call) {
        const TimePoint when = at(static_cast<Duration::rep>(call) * 10ms);
        scheduler.submit(when, ticket(call, 1 + static_cast<std::uint32_t>(call) % 8));
        const Batch batch = batches_of(decide(scheduler, when)).at(0);
        const bool is_huge = call == 20 || call == 40;
        scheduler.batch_done(when, batch.id,
                             report(is_huge ? Duration(50min) : run_time(batch.rows)));
    }

    EXPECT_NEAR(to_seconds(scheduler.predicted_run(kModel, "cpu", 8).value()),
                to_seconds(run_time(8)), 1e-4);
}

TEST(Nonsense, OfModelsWithoutADeviceIsUnavailable) {
    Scheduler scheduler(1);
    scheduler.configure(at(0ms), {{policy(8)}, 5s});
    scheduler.submit(at(0ms), ticket(1));

    EXPECT_THAT(rejects_of(decide(scheduler, at(0ms))),
                ElementsAre(RejectOf(1, StatusCode::unavailable)));
    EXPECT_EQ(scheduler.next_wakeup(), std::nullopt);
}

TEST(Nonsense, OfADeviceWithoutLanesOrSlotsOrRows) {
    Scheduler scheduler(1);
    scheduler.configure(at(0ms), {{policy(0)}, 5s});
    scheduler.device_up(at(0ms), device(0, 0));
    scheduler.instance_up(at(0ms), instance(0));
    scheduler.submit(at(0ms), ticket(1));
    EXPECT_THAT(batches_of(decide(scheduler, at(0ms))), IsEmpty());

    scheduler.device_up(at(1ms), {kDevice, "cpu", {LaneId{1}, LaneId{1}}, 0});
    scheduler.instance_up(at(1ms), instance(0));
    scheduler.submit(at(1ms), ticket(2, 3));

    const std::vector<Batch> batches = batches_of(decide(scheduler, at(1ms)));
    ASSERT_EQ(batches.size(), 1u) << "one lane, one slot";
    EXPECT_EQ(batches[0].rows, 1u);
}

TEST(Nonsense, OfALaneThatTwoDevicesClaimIsTheFirstOnes) {
    Scheduler scheduler = one_lane(policy(1), 1);
    scheduler.device_up(at(0ms), {DeviceId{2}, "cpu", {LaneId{100}}, 1});
    scheduler.instance_up(at(0ms), instance(1, DeviceId{2}));
    scheduler.submit(at(0ms), ticket(1));
    scheduler.submit(at(0ms), ticket(2));

    const std::vector<Batch> batches = batches_of(decide(scheduler, at(0ms)));
    ASSERT_EQ(batches.size(), 1u);
    EXPECT_EQ(batches[0].instance, InstanceId{101});
}

TEST(Nonsense, OfWeightsAndQuotasRefusesNobodyWrongly) {
    Scheduler scheduler = one_lane(policy(8));
    SchedulerConfig config{{policy(8)}, 5s};
    std::uint32_t next = 0;
    for (const double value : {0.0, -1.0, kNan, kInfinity, -kInfinity}) {
        TenantPolicy tenant;
        tenant.tenant = TenantId{++next};
        tenant.weight = tenant.burst_rows = value;
        tenant.rows_per_second = value == kInfinity ? 0 : value;
        config.tenants.push_back(tenant);
    }
    config.minimum_share = kNan;
    scheduler.configure(at(0ms), config);

    for (std::uint32_t i = 0; i <= next; ++i) {
        Ticket one = ticket(i + 1, 3);
        one.tenant = TenantId{i};
        scheduler.submit(at(0ms), one);
    }

    EXPECT_THAT(rejects_of(decide(scheduler, at(0ms))), IsEmpty());
}

TEST(Nonsense, OfTimesThatGoBackIsTheLatestTimeSeen) {
    Scheduler scheduler = one_lane(policy(8), 1);
    scheduler.submit(at(10s), ticket(1));
    const Batch batch = batches_of(decide(scheduler, at(5s))).at(0);
    scheduler.batch_started(at(1s), batch.id);
    scheduler.submit(at(2s), ticket_by(2, at(9s)));
    scheduler.submit(at(2s), ticket_by(3, at(11s)));

    EXPECT_THAT(rejects_of(decide(scheduler, at(0s))),
                ElementsAre(RejectOf(2, StatusCode::deadline_exceeded)));
    scheduler.batch_done(at(1s), batch.id, report(2ms));
    EXPECT_EQ(batches_of(decide(scheduler, at(1s))).size(), 1u);
}

TEST(Nonsense, OfDeadlinesInThePastIsAnError) {
    Scheduler scheduler = one_lane(policy(8), 1);
    scheduler.submit(at(1ms), ticket_by(1, TimePoint::min()));
    scheduler.submit(at(1ms), ticket_by(2, TimePoint{}));

    EXPECT_THAT(rejects_of(decide(scheduler, at(1ms))),
                ElementsAre(RejectOf(1, StatusCode::deadline_exceeded),
                            RejectOf(2, StatusCode::deadline_exceeded)));
}

TEST(Nonsense, OfObjectivesIsSurvived) {
    for (const Duration objective : {Duration(0), Duration(-1s), Duration::max()}) {
        ModelPolicy model = policy(8);
        model.objective = objective;
        Scheduler scheduler = one_lane(model, 1);
        scheduler.submit(at(0ms), ticket(1, 8));
        scheduler.submit(at(0ms), ticket(2, 8));

        const Batch batch = batches_of(decide(scheduler, at(0ms))).at(0);
        scheduler.batch_done(at(9ms), batch.id, report(9ms));

        EXPECT_EQ(batches_of(decide(scheduler, at(9ms))).size(), 1u);
    }
}

}  // namespace
}  // namespace bunch
