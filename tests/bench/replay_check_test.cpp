#include "bench/replay/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "scheduler/scheduler.h"

namespace bunch::replay {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using trace::Event;
using trace::What;

TimePoint at(Duration since_start) {
    return TimePoint{} + 1s + since_start;
}

Ticket ticket(std::uint64_t call) {
    Ticket ticket;
    ticket.call = CallId{call};
    return ticket;
}

/// What is told of one device with one lane, and three calls in turn; with what a scheduler
/// decides.
std::vector<Event> three_calls() {
    SchedulerConfig config;
    config.models.push_back({ModelId{0}, "m", {}});
    const InstanceInfo instance{InstanceId{0}, ModelId{0}, DeviceId{0}, 8};
    const DeviceInfo device{DeviceId{0}, "cpu", {LaneId{0}}, 2};
    std::vector<Event> events = {{at(0ms), trace::Configure{config}},
                                 {at(0ms), trace::InstanceUp{instance}},
                                 {at(0ms), trace::DeviceUp{device}}};
    Scheduler scheduler(1);
    scheduler.configure(at(0ms), config);
    scheduler.instance_up(at(0ms), instance);
    scheduler.device_up(at(0ms), device);
    for (std::uint64_t call = 1; call <= 3; ++call) {
        const TimePoint now = at(Duration(1ms) * static_cast<int>(call));
        events.push_back({now, trace::Submit{ticket(call)}});
        scheduler.submit(now, ticket(call));
        std::vector<Decision> decisions;
        scheduler.decide(now, decisions);
        events.push_back({now, trace::Decide{static_cast<std::uint32_t>(decisions.size()),
                                             trace::fingerprint_of(decisions)}});
        for (const Decision& decision : decisions) {
            const BatchId batch = std::get<Dispatch>(decision).batch.id;
            const RunReport report{StatusCode::ok, {}, {}, 100us};
            events.push_back({now, trace::BatchDone{batch, report}});
            scheduler.batch_done(now, batch, report);
        }
    }
    return events;
}

trace::File file_of(const std::vector<Event>& events) {
    trace::File file;
    file.header.seed = 1;
    for (const Event& event : events) append(event, file.slots);
    return file;
}

TEST(ReplayCheck, FindsNoDifferenceWhereThereIsNone) {
    const auto check = check_decisions(file_of(three_calls()));

    ASSERT_TRUE(check.ok()) << check.status().to_string();
    EXPECT_FALSE(check->difference);
    EXPECT_EQ(check->decides, 3u);
    EXPECT_EQ(check->decisions, 3u);
    EXPECT_EQ(check->events, 12u);
}

TEST(ReplayCheck, StopsAtTheFirstDifferenceAndShowsIt) {
    std::vector<Event> events = three_calls();
    std::get<trace::Submit>(events.at(6).what).ticket.rows = 2;

    const auto check = check_decisions(file_of(events));

    ASSERT_TRUE(check.ok()) << check.status().to_string();
    ASSERT_TRUE(check->difference);
    EXPECT_EQ(check->difference->event, 7u);
    EXPECT_EQ(check->difference->at, at(2ms));
    EXPECT_EQ(check->difference->recorded.decisions, 1u);
    EXPECT_THAT(check->difference->decisions, HasSubstr("of model 0 to lane 0"));
    EXPECT_EQ(check->decides, 2u);
}

TEST(ReplayCheck, PassesSnapshotsOver) {
    std::vector<Event> events = three_calls();
    const std::vector<Event> snapshot = {{at(1ms), trace::Snapshot{}},
                                         {at(1ms), trace::Configure{}},
                                         {at(0ms), trace::Submit{ticket(77)}},
                                         {at(1ms), trace::Live{}}};
    events.insert(events.begin() + 6, snapshot.begin(), snapshot.end());

    const auto check = check_decisions(file_of(events));

    ASSERT_TRUE(check.ok());
    EXPECT_FALSE(check->difference);
    EXPECT_EQ(check->events, 12u);
}

TEST(ReplayCheck, NeedsATraceFromTheStart) {
    trace::File file = file_of(three_calls());
    file.header.events_before = 5;

    const auto check = check_decisions(file);

    EXPECT_EQ(check.status().code(), StatusCode::failed_precondition);
    EXPECT_THAT(check.status().message(), HasSubstr("begins 5 events after the daemon's start"));
}

TEST(ReplayCheck, SaysWhereATraceIsBroken) {
    trace::File file = file_of(three_calls());
    file.slots.back().words[1] = 99;

    EXPECT_THAT(check_decisions(file).status().message(), HasSubstr("is of no known kind"));
}

}  // namespace
}  // namespace bunch::replay
