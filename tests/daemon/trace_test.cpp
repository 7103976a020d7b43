// What the daemon records of its scheduler, and how it gives that away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <variant>

#include "daemon/trace_dump.h"

namespace bunch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr std::size_t kSlots = 1024;

TimePoint at(Duration since_start) {
    return TimePoint{} + 1s + since_start;
}

/// A scheduler with one model on one device, and as many open calls as the test likes.
class RecordingTest : public testing::Test {
  protected:
    explicit RecordingTest(std::size_t slots = kSlots)
        : scheduler_(1, slots, [this](const RecordedScheduler::Visit& visit) {
              for (const Ticket& ticket : open_) visit(at(0ms), ticket);
          }) {}

    void configure() {
        SchedulerConfig config;
        config.models.push_back({ModelId{0}, "m", {}});
        scheduler_.configure(at(0ms), config);
        scheduler_.instance_up(at(0ms), {InstanceId{0}, ModelId{0}, DeviceId{0}, 8});
        scheduler_.device_up(at(0ms), {DeviceId{0}, "cpu", {LaneId{0}}, 2});
    }

    static Ticket ticket(std::uint64_t call) {
        Ticket ticket;
        ticket.call = CallId{call};
        return ticket;
    }

    /// A call that comes and is run.
    void serve(std::uint64_t call) {
        scheduler_.submit(at(1ms), ticket(call));
        decided_.clear();
        scheduler_.decide(at(1ms), decided_);
        for (const Decision& decision : decided_)
            if (const auto* dispatch = std::get_if<Dispatch>(&decision)) {
                scheduler_.batch_started(at(1ms), dispatch->batch.id);
                scheduler_.batch_done(at(1ms), dispatch->batch.id, {StatusCode::ok, {}, {}, 1ms});
            }
    }

    static trace::File file_of(const FrozenTrace& frozen) {
        std::string bytes;
        frozen.copy(0, SIZE_MAX, bytes);
        EXPECT_EQ(bytes.size(), frozen.bytes());
        return *trace::parse_file(std::as_bytes(std::span(bytes.data(), bytes.size())));
    }

    static std::vector<trace::Event> events_of(const trace::File& file) {
        std::vector<trace::Event> events;
        trace::Reader reader(file.slots);
        for (auto event = reader.next(); event.ok() && event->has_value(); event = reader.next())
            events.push_back(std::move(**event));
        return events;
    }

    template <typename T>
    static std::size_t count(const std::vector<trace::Event>& events) {
        return static_cast<std::size_t>(std::count_if(
            events.begin(), events.end(),
            [](const trace::Event& event) { return std::holds_alternative<T>(event.what); }));
    }

    std::vector<Ticket> open_;
    RecordedScheduler scheduler_;
    std::vector<Decision> decided_;
};

TEST_F(RecordingTest, KeepsEverythingFromTheStartOnWhileThereIsRoom) {
    configure();
    for (std::uint64_t call = 0; call < 10; ++call) serve(call);

    const trace::File file = file_of(scheduler_.freeze(at(2ms)));
    const auto events = events_of(file);

    EXPECT_EQ(file.header.seed, 1u);
    EXPECT_EQ(file.header.events_before, 0u);
    EXPECT_TRUE(std::holds_alternative<trace::Configure>(events.at(0).what));
    EXPECT_EQ(count<trace::Submit>(events), 10u);
    EXPECT_EQ(count<trace::BatchDone>(events), 10u);
    EXPECT_EQ(count<trace::Decide>(events), 10u);
    EXPECT_EQ(count<trace::Snapshot>(events), 1u) << "the state at the end";
}

TEST_F(RecordingTest, PlaysBackToTheSameDecisions) {
    configure();
    for (std::uint64_t call = 0; call < 50; ++call) serve(call);
    const auto events = events_of(file_of(scheduler_.freeze(at(2ms))));
    Scheduler again(1);

    for (const trace::Event& event : events) {
        if (const auto* one = std::get_if<trace::Configure>(&event.what))
            again.configure(event.at, one->config);
        if (const auto* one = std::get_if<trace::InstanceUp>(&event.what))
            again.instance_up(event.at, one->instance);
        if (const auto* one = std::get_if<trace::DeviceUp>(&event.what))
            again.device_up(event.at, one->device);
        if (const auto* one = std::get_if<trace::Submit>(&event.what))
            again.submit(event.at, one->ticket);
        if (const auto* one = std::get_if<trace::BatchStarted>(&event.what))
            again.batch_started(event.at, one->batch);
        if (const auto* one = std::get_if<trace::BatchDone>(&event.what))
            again.batch_done(event.at, one->batch, one->report);
        if (const auto* one = std::get_if<trace::Decide>(&event.what)) {
            decided_.clear();
            again.decide(event.at, decided_);
            EXPECT_EQ(decided_.size(), one->decisions);
            EXPECT_EQ(trace::fingerprint_of(decided_), one->fingerprint);
        }
    }
}

TEST_F(RecordingTest, BeginsWithTheStateWhenTheOldestEventsAreOverwritten) {
    configure();
    open_ = {ticket(1001), ticket(1002)};
    for (std::uint64_t call = 0; call < 1000; ++call) serve(call);
    scheduler_.device_lost(at(3ms), DeviceId{7});

    const trace::File file = file_of(scheduler_.freeze(at(3ms)));
    const auto events = events_of(file);

    EXPECT_LE(file.slots.size(), kSlots + kSlots / 2) << "with the state at the end";
    EXPECT_GT(file.header.events_before, 1000u);
    ASSERT_TRUE(std::holds_alternative<trace::Snapshot>(events.at(0).what));
    const auto live = std::find_if(events.begin(), events.end(), [](const trace::Event& event) {
        return std::holds_alternative<trace::Live>(event.what);
    });
    const std::vector<trace::Event> state(events.begin(), live);
    EXPECT_EQ(count<trace::Configure>(state), 1u);
    EXPECT_EQ(count<trace::DeviceUp>(state), 1u);
    EXPECT_EQ(count<trace::InstanceUp>(state), 1u);
    EXPECT_EQ(count<trace::Submit>(state), 2u);
    const auto recall = std::find_if(state.begin(), state.end(), [](const trace::Event& event) {
        return std::holds_alternative<trace::Recall>(event.what);
    });
    ASSERT_NE(recall, state.end());
    EXPECT_EQ(std::get<trace::Recall>(recall->what).curves.size(), 1u);
}

TEST_F(RecordingTest, LeavesOpenCallsOutThatHaveNoPlaceAndCountsThem) {
    configure();
    for (std::uint64_t call = 0; call < 500; ++call) open_.push_back(ticket(10000 + call));
    for (std::uint64_t call = 0; call < 1000; ++call) serve(call);

    const auto events = events_of(file_of(scheduler_.freeze(at(3ms))));

    const auto left_out = std::get<trace::Snapshot>(events.at(0).what).left_out;
    EXPECT_GT(left_out, 200u);
    EXPECT_LT(left_out, 300u);
}

TEST_F(RecordingTest, GoesOnWhileATraceIsReadAndDoesNotChangeIt) {
    configure();
    for (std::uint64_t call = 0; call < 100; ++call) serve(call);
    const FrozenTrace frozen = scheduler_.freeze(at(2ms));
    std::string before;
    frozen.copy(0, SIZE_MAX, before);

    for (std::uint64_t call = 0; call < 1000; ++call) serve(call);

    std::string after;
    frozen.copy(0, SIZE_MAX, after);
    EXPECT_EQ(before, after);
}

class TinyRecordingTest : public RecordingTest {
  protected:
    TinyRecordingTest() : RecordingTest(16) {}
};

TEST_F(TinyRecordingTest, EndsWhereTheStateItselfHasNoPlace) {
    configure();
    for (std::uint64_t call = 0; call < 100; ++call) serve(call);

    EXPECT_FALSE(scheduler_.is_recording());
    EXPECT_GT(decided_.size(), 0u) << "and the scheduler goes on without";
}

class TraceDumpTest : public RecordingTest {
  protected:
    TraceDumpTest() : RecordingTest(1 << 15) {
        configure();
        for (std::uint64_t call = 0; call < 3000; ++call) serve(call);
    }

    Result<v1::TraceResponse> ask(TimePoint now, std::uint64_t dump = 0, std::uint64_t offset = 0) {
        v1::TraceRequest request;
        request.set_dump(dump);
        request.set_offset(offset);
        return dump_.answer(now, request);
    }

    TraceDump dump_{scheduler_};
};

TEST_F(TraceDumpTest, GivesAllOfATraceInPieces) {
    auto piece = ask(at(0s));
    ASSERT_TRUE(piece.ok()) << piece.status().to_string();
    std::string bytes = piece->piece();
    EXPECT_GT(piece->total_bytes(), bytes.size());
    while (bytes.size() < piece->total_bytes()) {
        piece = ask(at(1s), piece->dump(), bytes.size());
        ASSERT_TRUE(piece.ok()) << piece.status().to_string();
        bytes += piece->piece();
    }

    const auto file = trace::parse_file(std::as_bytes(std::span(bytes.data(), bytes.size())));
    ASSERT_TRUE(file.ok());
    EXPECT_EQ(count<trace::Submit>(events_of(*file)), 3000u);
    EXPECT_TRUE(ask(at(1s)).ok()) << "and is ready for the next";
}

TEST_F(TraceDumpTest, GivesOneAtATimeButForgetsReadersThatLeft) {
    const auto first = ask(at(0s));
    ASSERT_TRUE(first.ok());

    const auto second = ask(at(5s));
    const auto third = ask(at(11s));
    const auto late = ask(at(12s), first->dump(), 64);

    EXPECT_EQ(second.status().code(), StatusCode::resource_exhausted);
    EXPECT_TRUE(third.ok()) << third.status().to_string();
    EXPECT_EQ(late.status().code(), StatusCode::not_found);
    EXPECT_EQ(ask(at(12s), third->dump(), third->total_bytes()).status().code(),
              StatusCode::invalid_argument);
}

TEST(TraceDump, SaysThatNothingIsRecorded) {
    RecordedScheduler scheduler(1, 0, [](const RecordedScheduler::Visit&) {});
    TraceDump dump(scheduler);
    scheduler.configure(at(0s), {});

    const auto answer = dump.answer(at(1s), {});

    EXPECT_EQ(answer.status().code(), StatusCode::failed_precondition);
    EXPECT_THAT(answer.status().message(), HasSubstr("set events of [trace]"));
}

}  // namespace
}  // namespace bunch
