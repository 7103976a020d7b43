// Devices that fail, go and come back; and messages that make no sense.
#include <algorithm>
#include <set>

#include "config/config.h"
#include "tests/scheduler/scenario.h"

namespace bunch {
namespace {

using namespace scenario;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

void come_back(Scheduler& scheduler, TimePoint when, std::uint32_t first_lane,
               std::uint32_t limit) {
    scheduler.device_up(when, {kDevice, "cpu", {LaneId{first_lane}}, 2});
    scheduler.instance_up(when, instance(limit));
}

TEST(Faults, QueueBatchesAgainThatHadNotStarted) {
    Scheduler scheduler = one_lane(policy(2));
    for (std::uint64_t call = 1; call <= 6; ++call) scheduler.submit(at(0ms), ticket(call));
    ASSERT_EQ(batches_of(decide(scheduler, at(0ms))).size(), 2u);

    scheduler.device_lost(at(1ms), kDevice);
    EXPECT_THAT(decide(scheduler, at(1ms)), IsEmpty());
    EXPECT_EQ(scheduler.stats(kModel).queued_rows, 6u);
    come_back(scheduler, at(2ms), 500, 6);

    // The policy still says 2 rows.
    const std::vector<Batch> batches = batches_of(decide(scheduler, at(2ms)));
    ASSERT_EQ(batches.size(), 2u);
    EXPECT_THAT(calls_of(batches[0]), ElementsAre(1, 2));
    EXPECT_THAT(calls_of(batches[1]), ElementsAre(3, 4));
}

TEST(Faults, DoNotSaveACallFromItsDeadline) {
    Scheduler scheduler = one_lane(policy(4));
    scheduler.submit(at(0ms), ticket_by(1, at(5ms)));
    scheduler.submit(at(0ms), ticket(2));
    ASSERT_EQ(batches_of(decide(scheduler, at(0ms))).size(), 1u);
    decide(scheduler, at(1ms));

    scheduler.device_lost(at(2ms), kDevice);
    decide(scheduler, at(2ms));
    EXPECT_EQ(scheduler.next_wakeup(), at(5ms));
    come_back(scheduler, at(6ms), 500, 4);

    const std::vector<Decision> decisions = decide(scheduler, at(6ms));
    EXPECT_THAT(rejects_of(decisions), ElementsAre(RejectOf(1, StatusCode::deadline_exceeded)));
    EXPECT_THAT(calls_of(batches_of(decisions).at(0)), ElementsAre(2));
}

TEST(Faults, RunTheSuspectsInTwoHalvesAlone) {
    Scheduler scheduler = one_lane(policy(4));
    for (std::uint64_t call = 1; call <= 6; ++call) scheduler.submit(at(0ms), ticket(call));
    scheduler.batch_started(at(0ms), batches_of(decide(scheduler, at(0ms))).at(0).id);

    scheduler.device_lost(at(1ms), kDevice);
    come_back(scheduler, at(2ms), 500, 4);

    const std::vector<Batch> first = batches_of(decide(scheduler, at(2ms)));
    ASSERT_EQ(first.size(), 1u);
    EXPECT_THAT(calls_of(first[0]), ElementsAre(1, 2));
    scheduler.batch_done(at(5ms), first[0].id, report(3ms));
    EXPECT_THAT(calls_of(batches_of(decide(scheduler, at(5ms))).at(0)), ElementsAre(3, 4));
}

TEST(Faults, FindThePoisonousCallAndAnswerAllOthers) {
    constexpr std::uint64_t kPoison = 5;
    Scheduler scheduler = one_lane(policy(8), 1);
    for (std::uint64_t call = 0; call < 8; ++call) scheduler.submit(at(0ms), ticket(call));
    std::set<std::uint64_t> answered;
    std::vector<Reject> rejects;

    for (std::uint32_t round = 1; round < 40 && scheduler.open_calls() > 0; ++round) {
        const std::vector<Decision> decisions = decide(scheduler, at(round * 1ms));
        for (const Reject& reject : rejects_of(decisions)) rejects.push_back(reject);
        for (const Batch& batch : batches_of(decisions)) {
            const std::vector<std::uint64_t> calls = calls_of(batch);
            scheduler.batch_started(at(round * 1ms), batch.id);
            if (std::count(calls.begin(), calls.end(), kPoison) > 0) {
                scheduler.device_lost(at(round * 1ms), kDevice);
                come_back(scheduler, at(round * 1ms), 500 + round, 8);
            } else {
                answered.insert(calls.begin(), calls.end());
                scheduler.batch_done(at(round * 1ms), batch.id, report(1ms));
            }
        }
    }

    for (const Reject& reject : rejects_of(decide(scheduler, at(1s)))) rejects.push_back(reject);
    EXPECT_THAT(rejects, ElementsAre(RejectOf(kPoison, StatusCode::unavailable)));
    EXPECT_THAT(answered, ElementsAre(0, 1, 2, 3, 4, 6, 7));
}

TEST(Faults, OfOnePoisonousCallCostNoMoreRestartsThanADeviceHasByDefault) {
    constexpr std::uint32_t kRows = 256;
    for (const std::uint64_t poison : std::initializer_list<std::uint64_t>{1, 100, 256}) {
        Scheduler scheduler = one_lane(policy(kRows));
        for (std::uint64_t call = 1; call <= kRows; ++call) scheduler.submit(at(0ms), ticket(call));
        std::uint32_t losses = 0;
        for (std::uint32_t turn = 0; turn < 1000 && scheduler.open_calls() > 0; ++turn) {
            for (const Batch& batch : batches_of(decide(scheduler, at(turn * 1ms)))) {
                scheduler.batch_started(at(turn * 1ms), batch.id);
                const std::vector<std::uint64_t> calls = calls_of(batch);
                if (std::find(calls.begin(), calls.end(), poison) == calls.end()) {
                    scheduler.batch_done(at(turn * 1ms), batch.id, report(run_time(batch.rows)));
                    continue;
                }
                scheduler.device_lost(at(turn * 1ms), kDevice);
                come_back(scheduler, at(turn * 1ms), 500 + ++losses, kRows);
                break;
            }
        }

        EXPECT_EQ(scheduler.open_calls(), 0u);
        EXPECT_GT(losses, 2u);
        EXPECT_LE(losses, RestartConfig().max_restarts) << "poison " << poison;
    }
}

TEST(Faults, OfADeviceWithTwoLanesAreBlamedOnThePoisonousCallOnly) {
    Scheduler scheduler(1);
    scheduler.configure(at(0ms), {{policy(1)}, 5s});
    scheduler.instance_up(at(0ms), instance(1));
    for (std::uint64_t call = 1; call <= 4; ++call) scheduler.submit(at(0ms), ticket(call));
    constexpr std::uint64_t kPoison = 2;
    std::set<std::uint64_t> done;
    std::set<std::uint64_t> rejected;

    for (std::uint32_t life = 1; life < 20 && done.size() + rejected.size() < 4; ++life) {
        const TimePoint when = at(life * 10ms);
        scheduler.device_up(when, {kDevice, "cpu", {LaneId{life * 10}, LaneId{life * 10 + 1}}, 1});
        scheduler.instance_up(when, instance(1));
        for (bool is_alive = true; is_alive && scheduler.open_calls() > 0;) {
            const std::vector<Decision> decisions = decide(scheduler, when);
            for (const Reject& reject : rejects_of(decisions)) rejected.insert(reject.call.value);
            const std::vector<Batch> batches = batches_of(decisions);
            for (const Batch& batch : batches) scheduler.batch_started(when, batch.id);
            for (const Batch& batch : batches) is_alive = is_alive && calls_of(batch)[0] != kPoison;
            if (!is_alive) scheduler.device_lost(when, kDevice);
            for (const Batch& batch : batches) {
                if (!is_alive) break;
                scheduler.batch_done(when, batch.id, report(1ms));
                done.insert(calls_of(batch)[0]);
            }
        }
        for (const Reject& reject : rejects_of(decide(scheduler, when)))
            rejected.insert(reject.call.value);
    }

    EXPECT_THAT(done, ElementsAre(1, 3, 4));
    EXPECT_THAT(rejected, ElementsAre(kPoison));
}

TEST(Faults, OfOneLaneLeaveTheOthersRunning) {
    Scheduler scheduler(1);
    scheduler.configure(at(0ms), {{policy(1)}, 5s});
    scheduler.device_up(at(0ms), device(2, 1));
    scheduler.instance_up(at(0ms), instance(1));
    scheduler.submit(at(0ms), ticket(1));
    scheduler.submit(at(0ms), ticket(2));
    const std::vector<Batch> batches = batches_of(decide(scheduler, at(0ms)));
    ASSERT_EQ(batches.size(), 2u);

    scheduler.lane_lost(at(1ms), batches[0].lane);
    EXPECT_THAT(decide(scheduler, at(1ms)), IsEmpty());
    scheduler.batch_done(at(2ms), batches[1].id, report(2ms));

    const std::vector<Batch> again = batches_of(decide(scheduler, at(2ms)));
    ASSERT_EQ(again.size(), 1u);
    EXPECT_EQ(again[0].lane, batches[1].lane);
    EXPECT_EQ(calls_of(again[0]), calls_of(batches[0]));
}

TEST(Faults, OfABatchEndItsCallsWithoutAReject) {
    Scheduler scheduler = one_lane(policy(4), 1);
    scheduler.submit(at(0ms), ticket(1, 10));
    scheduler.submit(at(0ms), ticket(2));
    const Batch batch = batches_of(decide(scheduler, at(0ms))).at(0);

    scheduler.batch_done(at(1ms), batch.id, {StatusCode::internal, 0ns, 0ns, 0ns});

    const std::vector<Decision> next = decide(scheduler, at(1ms));
    EXPECT_THAT(rejects_of(next), IsEmpty());
    EXPECT_THAT(calls_of(batches_of(next).at(0)), ElementsAre(2)) << "call 1 has ended";
}

TEST(Faults, OfABatchWithSeveralCallsEndOnlyTheOneWhoseDataIsToBlame) {
    constexpr std::uint64_t kWrong = 5;
    Scheduler scheduler = one_lane(policy(8), 1);
    for (std::uint64_t call = 0; call < 8; ++call) scheduler.submit(at(0ms), ticket(call));
    std::set<std::uint64_t> answered, failed;
    std::uint32_t batches = 0;

    for (std::uint32_t round = 1; round < 40 && scheduler.open_calls() > 0; ++round) {
        for (const Batch& batch : batches_of(decide(scheduler, at(round * 1ms)))) {
            const std::vector<std::uint64_t> calls = calls_of(batch);
            scheduler.batch_started(at(round * 1ms), batch.id);
            RunReport result = report(1ms);
            ++batches;
            if (std::count(calls.begin(), calls.end(), kWrong) == 0)
                answered.insert(calls.begin(), calls.end());
            else
                result.code = StatusCode::invalid_argument;
            if (result.code != StatusCode::ok && calls.size() == 1) failed.insert(calls[0]);
            scheduler.batch_done(at(round * 1ms), batch.id, result);
        }
    }

    EXPECT_THAT(failed, ElementsAre(kWrong));
    EXPECT_THAT(answered, ElementsAre(0, 1, 2, 3, 4, 6, 7));
    EXPECT_EQ(batches, 7u) << "8 calls, then 4 + 4, 2 + 2, 1 + 1";
    EXPECT_EQ(scheduler.open_calls(), 0u);
    EXPECT_EQ(scheduler.stats(), QueueStats());
}

TEST(Faults, OfADeviceThatCannotWorkEndAllCallsOfTheBatch) {
    Scheduler scheduler = one_lane(policy(4), 1);
    for (std::uint64_t call = 0; call < 4; ++call) scheduler.submit(at(0ms), ticket(call));
    const Batch batch = batches_of(decide(scheduler, at(0ms))).at(0);

    scheduler.batch_done(at(1ms), batch.id, {StatusCode::unavailable, 0ns, 0ns, 0ns});

    EXPECT_EQ(scheduler.open_calls(), 0u);
}

TEST(Faults, LetCallsWaitForADeviceThatIsExpectedBack) {
    Scheduler scheduler = one_lane(policy(4));
    scheduler.device_lost(at(0ms), kDevice);
    scheduler.submit(at(1ms), ticket(1));
    EXPECT_THAT(decide(scheduler, at(1ms)), IsEmpty());
    EXPECT_EQ(scheduler.next_wakeup(), at(5s));

    come_back(scheduler, at(4s), 500, 4);

    EXPECT_EQ(batches_of(decide(scheduler, at(4s))).size(), 1u);
}

TEST(Faults, RejectWaitingAndNewCallsWhenTheDeviceStaysAway) {
    Scheduler scheduler = one_lane(policy(4));
    scheduler.device_lost(at(0ms), kDevice);
    scheduler.submit(at(1ms), ticket(1));
    EXPECT_THAT(decide(scheduler, at(5s) - 1ns), IsEmpty());

    EXPECT_THAT(rejects_of(decide(scheduler, at(5s))),
                ElementsAre(RejectOf(1, StatusCode::unavailable)));
    scheduler.submit(at(6s), ticket(2));
    EXPECT_THAT(rejects_of(decide(scheduler, at(6s))),
                ElementsAre(RejectOf(2, StatusCode::unavailable)));
}

TEST(Faults, RejectAtOnceWhenNoDeviceIsLeft) {
    Scheduler scheduler = one_lane(policy(4));
    scheduler.device_lost(at(0ms), kDevice);
    scheduler.submit(at(1ms), ticket(1));

    scheduler.device_gone(at(2ms), kDevice);
    scheduler.submit(at(2ms), ticket(2));

    EXPECT_THAT(
        rejects_of(decide(scheduler, at(2ms))),
        ElementsAre(RejectOf(2, StatusCode::unavailable), RejectOf(1, StatusCode::unavailable)));
}

TEST(Faults, LetCallsWaitForAModelThatIsBeingLoaded) {
    Scheduler scheduler(1);
    scheduler.configure(at(0ms), {{policy(4)}, 5s});
    InstanceInfo loading = instance(4);
    loading.state = InstanceState::expected;
    scheduler.instance_up(at(0ms), loading);
    scheduler.submit(at(0ms), ticket(1));
    scheduler.device_up(at(1s), device(1, 2));
    EXPECT_THAT(decide(scheduler, at(1s)), IsEmpty());

    scheduler.instance_up(at(2s), instance(4));

    EXPECT_EQ(batches_of(decide(scheduler, at(2s))).size(), 1u);
}

TEST(Faults, StopDispatchWhenTheInstanceIsDown) {
    Scheduler scheduler = one_lane(policy(4), 1);
    scheduler.submit(at(0ms), ticket(1));
    const Batch batch = batches_of(decide(scheduler, at(0ms))).at(0);
    scheduler.submit(at(0ms), ticket(2));

    scheduler.instance_down(at(1ms), batch.instance);

    EXPECT_THAT(rejects_of(decide(scheduler, at(1ms))),
                ElementsAre(RejectOf(2, StatusCode::unavailable)));
    scheduler.batch_done(at(2ms), batch.id, report(2ms));
    EXPECT_EQ(scheduler.open_calls(), 0u) << "what was in flight ran to its end";
}

TEST(Faults, AreNoMatterForCallsThatEndedInTheMeantime) {
    Scheduler scheduler = one_lane(policy(4));
    scheduler.submit(at(0ms), ticket(1));
    scheduler.batch_started(at(0ms), batches_of(decide(scheduler, at(0ms))).at(0).id);
    scheduler.cancel(at(0ms), CallId{1});
    decide(scheduler, at(0ms));

    scheduler.device_lost(at(1ms), kDevice);

    EXPECT_THAT(decide(scheduler, at(1ms)), IsEmpty());
    EXPECT_EQ(scheduler.stats(), QueueStats());
}

TEST(Nonsense, IsIgnored) {
    Scheduler scheduler = one_lane(policy(4));
    scheduler.submit(at(0ms), ticket(1));
    const Batch batch = batches_of(decide(scheduler, at(0ms))).at(0);

    scheduler.batch_started(at(0ms), BatchId{77});
    scheduler.batch_done(at(0ms), BatchId{77}, report(1ms));
    scheduler.lane_lost(at(0ms), LaneId{77});
    scheduler.device_lost(at(0ms), DeviceId{77});
    scheduler.device_gone(at(0ms), DeviceId{77});
    scheduler.instance_down(at(0ms), InstanceId{77});
    scheduler.instance_up(at(0ms), instance(4, kDevice, ModelId{77}));
    scheduler.batch_started(at(0ms), batch.id);
    scheduler.batch_started(at(1ms), batch.id);
    scheduler.batch_done(at(1ms), batch.id, report(-5s));
    scheduler.batch_done(at(1ms), batch.id, report(1ms));

    EXPECT_THAT(decide(scheduler, at(1ms)), IsEmpty());
    EXPECT_EQ(scheduler.stats(), QueueStats());
    EXPECT_EQ(scheduler.open_calls(), 0u);
}

TEST(Nonsense, OfADeviceThatComesUpTwiceLosesItsFormerLanes) {
    Scheduler scheduler = one_lane(policy(4));
    scheduler.submit(at(0ms), ticket(1));
    const Batch batch = batches_of(decide(scheduler, at(0ms))).at(0);

    scheduler.device_up(at(1ms), device(1, 2));
    const std::vector<Batch> again = batches_of(decide(scheduler, at(1ms)));
    scheduler.batch_done(at(2ms), batch.id, report(2ms));

    ASSERT_EQ(again.size(), 1u);
    EXPECT_EQ(scheduler.open_calls(), 1u) << "the answer of the lost lane counts no more";
}

}  // namespace
}  // namespace bunch
