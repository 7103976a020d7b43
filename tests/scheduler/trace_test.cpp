#include "scheduler/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace bunch::trace {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TimePoint at(Duration since_start) {
    return TimePoint{} + since_start;
}

std::vector<Slot> slots_of(const std::vector<Event>& events) {
    std::vector<Slot> slots;
    for (const Event& event : events) append(event, slots);
    return slots;
}

/// All events of the slots; fails the test where one cannot be read.
std::vector<Event> events_of(std::span<const Slot> slots) {
    std::vector<Event> events;
    Reader reader(slots);
    for (;;) {
        auto event = reader.next();
        EXPECT_TRUE(event.ok()) << event.status().to_string();
        if (!event.ok() || !event->has_value()) return events;
        events.push_back(std::move(**event));
    }
}

/// What comes back of one event that was written and read.
template <typename T>
T round_trip(const T& what) {
    const auto events = events_of(slots_of({{at(7us), what}}));
    EXPECT_EQ(events.size(), 1u);
    EXPECT_EQ(events.at(0).at, at(7us));
    return std::get<T>(events.at(0).what);
}

std::string problem_of(std::span<const Slot> slots) {
    Reader reader(slots);
    for (;;) {
        const auto event = reader.next();
        if (!event.ok()) return event.status().message();
        if (!event->has_value()) return "";
    }
}

SchedulerConfig config_of(std::size_t models) {
    SchedulerConfig config;
    for (std::size_t i = 0; i < models; ++i) {
        ModelPolicy model;
        model.model = ModelId{static_cast<std::uint32_t>(i)};
        model.name = std::string(i % 70, 'n');
        if (i % 2 == 0) model.objective = Duration(20ms);
        model.max_batch_rows = 17;
        model.max_queued_bytes = std::uint64_t{1} << 40;
        model.numerics = Numerics::same_class;
        model.keeps_client_order = i % 3 == 0;
        config.models.push_back(model);
    }
    config.tenants.push_back({TenantId{3}, "analysis", 2.5, 1000, 50});
    config.unavailable_after = 5s;
    config.minimum_share = 0.125;
    return config;
}

LearntCurve curve_of(std::uint32_t model) {
    LearntCurve curve;
    curve.model = ModelId{model};
    curve.device_class = "gpu";
    curve.fixed = 1e-3;
    curve.per_row = 1.0 / 3;
    curve.upper_factor = 1.25;
    curve.largest_rows = 128;
    curve.corrections = {1, 0.9, 1.1};
    return curve;
}

TEST(Trace, GivesTicketsBackAsTheyWere) {
    Ticket ticket;
    ticket.call = CallId{1ull << 40};
    ticket.client = ClientId{~0ull};
    ticket.deadline = kNever;
    ticket.bytes = 123;
    ticket.model = ModelId{5};
    ticket.tenant = TenantId{200};
    ticket.rows = 1u << 31;
    ticket.shape_class = 77;
    ticket.priority = 255;
    ticket.late_ok = true;

    const Ticket back = round_trip(Submit{ticket}).ticket;

    EXPECT_EQ(back.call, ticket.call);
    EXPECT_EQ(back.client, ticket.client);
    EXPECT_EQ(back.deadline, ticket.deadline);
    EXPECT_EQ(back.bytes, ticket.bytes);
    EXPECT_EQ(back.model, ticket.model);
    EXPECT_EQ(back.tenant, ticket.tenant);
    EXPECT_EQ(back.rows, ticket.rows);
    EXPECT_EQ(back.shape_class, ticket.shape_class);
    EXPECT_EQ(back.priority, ticket.priority);
    EXPECT_TRUE(back.late_ok);
}

TEST(Trace, GivesConfigurationsOfAnySizeBack) {
    for (const std::size_t models : {0u, 1u, 2u, 3u, 100u}) {
        const SchedulerConfig config = config_of(models);

        const SchedulerConfig back = round_trip(Configure{config}).config;

        ASSERT_EQ(back.models.size(), models);
        for (std::size_t i = 0; i < models; ++i) {
            EXPECT_EQ(back.models[i].model, config.models[i].model);
            EXPECT_EQ(back.models[i].name, config.models[i].name);
            EXPECT_EQ(back.models[i].objective, config.models[i].objective);
            EXPECT_EQ(back.models[i].max_batch_rows, 17u);
            EXPECT_EQ(back.models[i].max_queued_bytes, config.models[i].max_queued_bytes);
            EXPECT_EQ(back.models[i].numerics, Numerics::same_class);
            EXPECT_EQ(back.models[i].keeps_client_order, config.models[i].keeps_client_order);
        }
        ASSERT_EQ(back.tenants.size(), 1u);
        EXPECT_EQ(back.tenants[0].name, "analysis");
        EXPECT_EQ(back.tenants[0].weight, 2.5);
        EXPECT_EQ(back.tenants[0].burst_rows, 50);
        EXPECT_EQ(back.unavailable_after, 5s);
        EXPECT_EQ(back.minimum_share, 0.125);
    }
}

TEST(Trace, GivesDevicesInstancesAndCurvesBack) {
    DeviceInfo device{DeviceId{2}, "gpu", {LaneId{4}, LaneId{9}}, 3};
    const DeviceInfo up = round_trip(DeviceUp{device}).device;
    EXPECT_EQ(up.device, DeviceId{2});
    EXPECT_EQ(up.device_class, "gpu");
    EXPECT_EQ(up.lanes, device.lanes);
    EXPECT_EQ(up.slots_per_lane, 3u);

    const InstanceInfo info{InstanceId{1},           ModelId{2}, DeviceId{3}, 64,
                            InstanceState::loadable, 7,          Duration(2s)};
    const InstanceInfo instance = round_trip(InstanceUp{info}).instance;
    EXPECT_EQ(instance.instance, InstanceId{1});
    EXPECT_EQ(instance.model, ModelId{2});
    EXPECT_EQ(instance.device, DeviceId{3});
    EXPECT_EQ(instance.max_batch_rows, 64u);
    EXPECT_EQ(instance.state, InstanceState::loadable);
    EXPECT_EQ(instance.image, 7u);
    EXPECT_EQ(instance.load_time, 2s);

    const std::vector<LearntCurve> curves = {curve_of(0), curve_of(1)};
    EXPECT_EQ(round_trip(Recall{curves}).curves, curves);
}

TEST(Trace, GivesShortEventsBack) {
    EXPECT_EQ(round_trip(Cancel{CallId{1ull << 50}}).call, CallId{1ull << 50});
    EXPECT_EQ(round_trip(DeviceLost{DeviceId{1}}).device, DeviceId{1});
    EXPECT_EQ(round_trip(DeviceGone{DeviceId{2}}).device, DeviceId{2});
    EXPECT_EQ(round_trip(InstanceDown{InstanceId{3}}).instance, InstanceId{3});
    EXPECT_EQ(round_trip(BatchStarted{BatchId{1ull << 33}}).batch, BatchId{1ull << 33});
    EXPECT_EQ(round_trip(LaneLost{LaneId{5}}).lane, LaneId{5});
    EXPECT_EQ(round_trip(Snapshot{6}).left_out, 6u);
    const BatchDone done =
        round_trip(BatchDone{BatchId{8}, {StatusCode::internal, 1us, -2us, 3us}});
    EXPECT_EQ(done.batch, BatchId{8});
    EXPECT_EQ(done.report.code, StatusCode::internal);
    EXPECT_EQ(done.report.gather, 1us);
    EXPECT_EQ(done.report.transfer, -2us);
    EXPECT_EQ(done.report.compute, 3us);
    const Decide decide = round_trip(Decide{4, 0xdeadbeef});
    EXPECT_EQ(decide.decisions, 4u);
    EXPECT_EQ(decide.fingerprint, 0xdeadbeefu);
    round_trip(Drain{});
    round_trip(Live{});
}

TEST(Trace, ReadsLongAndShortEventsInTheirOrder) {
    const auto events = events_of(slots_of({{at(1us), Configure{config_of(9)}},
                                            {at(2us), Drain{}},
                                            {at(3us), Recall{{curve_of(0)}}},
                                            {at(4us), DeviceUp{{DeviceId{0}, "cpu", {}, 2}}},
                                            {at(5us), Live{}}}));

    ASSERT_EQ(events.size(), 5u);
    for (std::size_t i = 0; i < events.size(); ++i)
        EXPECT_EQ(events[i].at, at(Duration(1000 * (i + 1))));
}

TEST(Trace, SaysWhichSlotIsWrongAndHow) {
    std::vector<Slot> slots = slots_of({{at(1us), Drain{}}, {at(2us), Drain{}}});
    slots[1].words[1] = 200;
    EXPECT_EQ(problem_of(slots), "slot 1 is of no known kind");

    slots = slots_of({{at(1us), Configure{config_of(9)}}});
    EXPECT_THAT(problem_of(std::span(slots).first(2)),
                HasSubstr("slot 0 announces more bytes than follow"));
    slots[0].words[1] -= std::uint64_t{8} << 32;
    EXPECT_THAT(problem_of(slots), HasSubstr("has fields that do not fill its bytes"));

    slots = slots_of({{at(1us), BatchDone{BatchId{1}, {}}}});
    slots[0].words[1] |= 99u << 8;
    EXPECT_THAT(problem_of(slots), HasSubstr("has a status of no known code"));

    slots = slots_of({{at(1us), InstanceUp{}}});
    slots[0].words[1] |= 3u << 8;
    EXPECT_THAT(problem_of(slots), HasSubstr("has an instance in no known state"));
}

TEST(Trace, NeedsNoMoreMemoryThanItsBytesWhateverTheySay) {
    std::vector<Slot> slots = slots_of({{at(1us), DeviceUp{{DeviceId{0}, "", {}, 2}}}});
    slots[0].words[3] = ~std::uint64_t{0};  // four thousand million lanes

    EXPECT_THAT(problem_of(slots), HasSubstr("has fields that do not fill its bytes"));
}

TEST(TraceFile, BeginsWithAHeaderThatComesBack) {
    const Header header{7, 1000, -5};
    const std::vector<Slot> slots = {encode(header), encode(at(1us), Drain{})};

    const auto file = parse_file(std::as_bytes(std::span(slots)));

    ASSERT_TRUE(file.ok()) << file.status().to_string();
    EXPECT_EQ(file->header, header);
    EXPECT_EQ(events_of(file->slots).size(), 1u);
}

TEST(TraceFile, IsRefusedIfItIsNoneOrWasCutOrIsOfAnotherVersion) {
    std::vector<Slot> slots = {encode(Header{}), encode(at(1us), Drain{})};
    const std::span<const std::byte> bytes = std::as_bytes(std::span(slots));
    const auto problem = [](std::span<const std::byte> of) {
        return parse_file(of).status().message();
    };

    EXPECT_EQ(problem({}), "it has 0 bytes, a trace has at least 64");
    EXPECT_THAT(problem(bytes.first(100)), HasSubstr("it was cut: 100 bytes"));
    slots[0].words[0] += std::uint64_t{1} << 56;
    EXPECT_THAT(problem(bytes), HasSubstr("of another version"));
    slots[0].words[0] = 0;
    EXPECT_EQ(problem(bytes), "it does not begin as a trace does");
}

TEST(TraceFingerprint, DiffersWhereAnyDecisionDiffers) {
    Dispatch dispatch;
    dispatch.batch = {BatchId{1}, ModelId{2}, InstanceId{3}, LaneId{4}, 5, {{CallId{6}, 0, 5}}};
    dispatch.predicted_run = 1ms;
    const auto print = [](Decision decision) { return fingerprint_of({&decision, 1}); };
    const std::uint64_t before = print(dispatch);
    const auto changed = [&](auto change) {
        Dispatch other = dispatch;
        change(other);
        return print(other);
    };

    EXPECT_EQ(print(dispatch), before);
    EXPECT_NE(changed([](Dispatch& d) { d.batch.id = BatchId{2}; }), before);
    EXPECT_NE(changed([](Dispatch& d) { d.batch.lane = LaneId{5}; }), before);
    EXPECT_NE(changed([](Dispatch& d) { d.batch.slices[0].first_row = 1; }), before);
    EXPECT_NE(changed([](Dispatch& d) { d.closed_by = CloseReason::limit; }), before);
    EXPECT_NE(changed([](Dispatch& d) { d.predicted_run += 1ns; }), before);
    EXPECT_NE(print(Load{ModelId{1}, DeviceId{2}}), print(Load{ModelId{2}, DeviceId{1}}));
    EXPECT_EQ(print(Reject{CallId{1}, unavailable("a"), RejectReason::no_device}),
              print(Reject{CallId{1}, unavailable("b"), RejectReason::no_device}));
    EXPECT_NE(print(Reject{CallId{1}, unavailable("a"), RejectReason::no_device}),
              print(Reject{CallId{1}, unavailable("a"), RejectReason::draining}));
}

}  // namespace
}  // namespace bunch::trace
