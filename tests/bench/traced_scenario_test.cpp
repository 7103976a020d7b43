#include "bench/replay/scenario_of_trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/simulation/policies.h"
#include "bench/simulation/world.h"

namespace bunch::replay {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using trace::Event;

TimePoint at(Duration since_start) {
    return TimePoint{} + 100s + since_start;
}

Ticket ticket(std::uint64_t call, std::uint32_t model = 0) {
    Ticket ticket;
    ticket.call = CallId{call};
    ticket.model = ModelId{model};
    return ticket;
}

LearntCurve curve(std::uint32_t model) {
    LearntCurve curve;
    curve.model = ModelId{model};
    curve.device_class = "gpu";
    curve.fixed = 1e-3;
    curve.per_row = 1e-4;
    curve.per_row_contended = 2e-5;
    curve.deviation = 0.05;
    return curve;
}

/// Two models on two gpus and an unknown card, of which the daemon learnt the first one's time.
std::vector<Event> start() {
    SchedulerConfig config;
    config.models.push_back({ModelId{0}, "known", Duration(20ms)});
    config.models.push_back({ModelId{1}, "unknown", {}});
    config.tenants = {{TenantId{0}, "default", 1, 0, 0}, {TenantId{1}, "a", 2, 10, 10}};
    std::vector<Event> events = {{at(0ms), trace::Configure{config}}};
    for (std::uint32_t device = 0; device < 3; ++device) {
        const std::string of_class = device < 2 ? "gpu" : "card";
        events.push_back(
            {at(0ms), trace::DeviceUp{{DeviceId{device}, of_class, {LaneId{device}}, 2}}});
        events.push_back(
            {at(0ms), trace::InstanceUp{{InstanceId{device}, ModelId{0}, DeviceId{device}, 16}}});
    }
    return events;
}

trace::File file_of(std::vector<Event> events) {
    events.push_back({at(1s), trace::Snapshot{}});
    events.push_back({at(1s), trace::Recall{{curve(0)}}});
    events.push_back({at(1s), trace::Live{}});
    trace::File file;
    for (const Event& event : events) append(event, file.slots);
    return file;
}

TEST(TracedScenario, HasTheRequestsThatCame) {
    std::vector<Event> events = start();
    Ticket second = ticket(2);
    second.rows = 7;
    second.deadline = at(30ms);
    second.tenant = TenantId{1};
    second.client = ClientId{9};
    second.priority = 3;
    second.late_ok = true;
    events.push_back({at(5ms), trace::Submit{ticket(1)}});
    events.push_back({at(10ms), trace::Submit{second}});

    const auto traced = scenario_of(file_of(events));

    ASSERT_TRUE(traced.ok()) << traced.status().to_string();
    const auto& recorded = traced->scenario.recorded;
    ASSERT_EQ(recorded.size(), 2u);
    EXPECT_EQ(recorded[0].at, 5ms);
    EXPECT_EQ(recorded[0].rows, 1u);
    EXPECT_FALSE(recorded[0].timeout);
    EXPECT_EQ(recorded[1].at, 10ms);
    EXPECT_EQ(recorded[1].rows, 7u);
    EXPECT_EQ(recorded[1].timeout, Duration(20ms));
    EXPECT_EQ(recorded[1].tenant, 1u);
    EXPECT_EQ(recorded[1].client, ClientId{9});
    EXPECT_EQ(recorded[1].priority, 3);
    EXPECT_TRUE(recorded[1].late_ok);
}

TEST(TracedScenario, HasTheDevicesAsTheyWereLearntAndSaysWhatIsLeftOut) {
    std::vector<Event> events = start();
    events.push_back({at(5ms), trace::Submit{ticket(1)}});
    events.push_back({at(6ms), trace::Submit{ticket(2, 1)}});
    events.push_back({at(7ms), trace::Cancel{CallId{1}}});

    const auto traced = scenario_of(file_of(events));

    ASSERT_TRUE(traced.ok()) << traced.status().to_string();
    const auto& classes = traced->scenario.classes;
    ASSERT_EQ(classes.size(), 1u);
    EXPECT_EQ(classes[0].name, "gpu");
    EXPECT_EQ(classes[0].devices, 2u);
    EXPECT_EQ(classes[0].lanes, 1u);
    EXPECT_EQ(classes[0].slots, 2u);
    EXPECT_EQ(classes[0].noise, 0.05);
    ASSERT_EQ(classes[0].curves.size(), 1u);
    EXPECT_EQ(classes[0].curves[0].fixed, 1e-3);
    EXPECT_EQ(classes[0].curves[0].per_row, 1e-4);
    EXPECT_NEAR(classes[0].curves[0].contention, 0.2, 1e-9);
    EXPECT_EQ(classes[0].curves[0].max_rows, 16u);
    EXPECT_THAT(traced->notes, ElementsAre(HasSubstr("device 2 is left out"),
                                           HasSubstr("1 requests of model 'unknown' are left out"),
                                           HasSubstr("1 requests were cancelled")));
}

TEST(TracedScenario, LosesDevicesWhenTheyWereLost) {
    std::vector<Event> events = start();
    events.push_back({at(5ms), trace::Submit{ticket(1)}});
    events.push_back({at(100ms), trace::DeviceLost{DeviceId{1}}});
    events.push_back({at(300ms), trace::DeviceUp{{DeviceId{1}, "gpu", {LaneId{7}}, 2}}});
    events.push_back({at(400ms), trace::DeviceGone{DeviceId{0}}});
    events.push_back({at(500ms), trace::Drain{}});

    const auto traced = scenario_of(file_of(events));

    ASSERT_TRUE(traced.ok()) << traced.status().to_string();
    const auto& outages = traced->scenario.classes.at(0).outages;
    ASSERT_EQ(outages.size(), 2u);
    EXPECT_EQ(outages[0].device, 0u);
    EXPECT_EQ(outages[0].from, 400ms);
    EXPECT_EQ(outages[1].device, 1u);
    EXPECT_EQ(outages[1].from, 100ms);
    EXPECT_EQ(outages[1].until, 300ms);
}

TEST(TracedScenario, TakesTheCallsThatWereOpenAtItsStartOnce) {
    std::vector<Event> events = {{at(0ms), trace::Snapshot{5}}};
    for (const Event& event : start()) events.push_back(event);
    events.push_back({at(-20ms), trace::Submit{ticket(1)}});
    events.push_back({at(0ms), trace::Live{}});
    events.push_back({at(1ms), trace::Submit{ticket(2)}});
    events.push_back({at(2ms), trace::Snapshot{}});
    events.push_back({at(1ms), trace::Submit{ticket(2)}});
    events.push_back({at(2ms), trace::Live{}});
    events.push_back({at(3ms), trace::Submit{ticket(3)}});

    const auto traced = scenario_of(file_of(events));

    ASSERT_TRUE(traced.ok()) << traced.status().to_string();
    ASSERT_EQ(traced->scenario.recorded.size(), 3u);
    EXPECT_EQ(traced->scenario.recorded[0].at, 0ms);
    EXPECT_EQ(traced->scenario.recorded[1].at, 1ms);
    EXPECT_THAT(traced->notes, testing::Contains(HasSubstr("5 requests that were open")));
}

TEST(TracedScenario, RunsUnderAnyPolicyToTheEndOfItsRequests) {
    std::vector<Event> events = start();
    for (std::uint64_t call = 1; call <= 900; ++call)
        events.push_back({at(Duration(1ms) * call), trace::Submit{ticket(call)}});
    const auto traced = scenario_of(file_of(events));
    ASSERT_TRUE(traced.ok()) << traced.status().to_string();

    for (const char* name : {"bunchd", "greedy"}) {
        const auto policy = (*simulation::policy_maker({name, {}}))(1);
        const auto run = simulation::run_world(traced->scenario, *policy, {.rate = 0, .seed = 1});
        EXPECT_EQ(run.requests, 900u) << name;
        EXPECT_EQ(run.all().part_in_objective(), 1) << name;
    }
}

TEST(TracedScenario, NeedsRequestsWhoseTimesAreKnown) {
    EXPECT_THAT(scenario_of(file_of(start())).status().message(),
                HasSubstr("the trace has no requests for models whose run times were learnt"));
    trace::File broken = file_of(start());
    broken.slots[0].words[1] = 250;
    EXPECT_THAT(scenario_of(broken).status().message(), HasSubstr("slot 0 is of no known kind"));
}

}  // namespace
}  // namespace bunch::replay
