#include "monitoring/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <thread>

namespace bunch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TimePoint at(Duration since_start) {
    return TimePoint{} + 1s + since_start;
}

/// 10 ms from receipt to answer, of which 6 ms compute.
Timeline ten_milliseconds() {
    return {.received = at(0ms),
            .admitted = at(3us),
            .dispatched = at(2ms),
            .transferred = at(2100us),
            .compute_begin = at(3ms),
            .compute_end = at(9ms),
            .returned = at(9500us),
            .answered = at(10ms)};
}

/// Refused or expired before it reached a device.
Timeline answered_after(Duration span) {
    Timeline times;
    times.received = at(0ms);
    times.answered = at(span);
    return times;
}

/// A little of everything.
void fill(Metrics& metrics) {
    ModelMetrics& model = metrics.model("resnet50", "1");
    model.record(ten_milliseconds(), Protocol::zmq, StatusCode::ok, 4);
    model.record(answered_after(5ms), Protocol::zmq, StatusCode::deadline_exceeded, 2);
    model.queued_requests.set(3);
    model.queued_rows.set(12);
    model.queued_bytes.set(7'225'344);
    TenantMetrics& tenant = metrics.tenant("analysis");
    tenant.record(StatusCode::ok, 4, 2048);
    tenant.record(StatusCode::deadline_exceeded, 2, 1024);
    tenant.compute.add(6'000'000);
    tenant.reject(Rejection::shed);
    DeviceMetrics& device = metrics.device("cpu0", "cpu");
    device.up.set(1);
    device.lanes.set(2);
    device.in_flight.set(1);
    device.arena_bytes.set(4096);
    device.restarts.add();
    device.faults[static_cast<std::size_t>(FaultKind::hang)].add();
    device.celsius.set(41.5);
    device.lane_clock(0, at(0s)).up(at(1s));
    device.lane_clock(0, at(1s)).bound(at(2s), BatchId{1});
    device.lane_clock(0, at(2s)).done(at(5s), BatchId{1}, {at(2s), at(3s), at(4500ms), at(5s)});
    device.lane_clock(1, at(1s)).up(at(1s));
    device.publish(at(6s));
    BatchMetrics& batches = metrics.batches("resnet50", "1", "cpu0");
    ClassMetrics& runs = metrics.runs("resnet50", "1", "cpu");
    for (const BatchRun& run :
         {BatchRun{32, 320ms, 300ms, Closing::limit}, BatchRun{1, 40ms, {}, Closing::queue}}) {
        batches.record(run);
        runs.record(run);
    }
    metrics.daemon().reject(Rejection::queue_full);
    metrics.daemon().drop_reply(DroppedReply::client_left);
    metrics.daemon().open_calls.set(5);
    metrics.daemon().open_bytes.set(600);
    metrics.daemon().clients.set(2);
}

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    EXPECT_TRUE(file) << "cannot read " << path;
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

/// Lines that differ from run to run lose their value.
std::string without_process_values(const std::string& text) {
    std::istringstream lines(text);
    std::string kept;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("process_")) line = line.substr(0, line.find(' '));
        kept += line + '\n';
    }
    return kept;
}

TEST(Metrics, ServesTheTextThatTheGoldenFileShows) {
    Metrics metrics;
    fill(metrics);
    const std::string golden = text_of(BUNCH_GOLDEN);

    const std::string text = without_process_values(metrics.text());

    const std::string actual = testing::TempDir() + "metrics.actual.txt";
    if (text != golden) std::ofstream(actual) << text;
    EXPECT_EQ(text, golden) << "if this is what you want: cp " << actual << " " BUNCH_GOLDEN;
}

TEST(Metrics, CountsEachStageThatACallReached) {
    Metrics metrics;
    ModelMetrics& model = metrics.model("m", "1");

    model.record(ten_milliseconds(), Protocol::zmq, StatusCode::ok, 4);
    model.record(answered_after(5ms), Protocol::zmq, StatusCode::unavailable, 1);

    const auto seconds = [&model](Stage stage) {
        return model.stages[static_cast<std::size_t>(stage)].sum() * 1e-9;
    };
    EXPECT_DOUBLE_EQ(seconds(Stage::receive), 3e-6);
    EXPECT_DOUBLE_EQ(seconds(Stage::compute), 6e-3);
    EXPECT_DOUBLE_EQ(seconds(Stage::respond), 0.5e-3);
    double all = 0;
    for (const Histogram& stage : model.stages) {
        EXPECT_EQ(stage.total(), 1u);
        all += stage.sum() * 1e-9;
    }
    EXPECT_DOUBLE_EQ(all, 10e-3);
    EXPECT_EQ(model.rows.value(), 4u);
    EXPECT_EQ(model.durations[0].total(), 2u);
}

TEST(Metrics, KeepsVersionsOfAModelApartAndFindsHandlesAgain) {
    Metrics metrics;

    EXPECT_EQ(&metrics.model("m", "1"), &metrics.model("m", "1"));
    EXPECT_NE(&metrics.model("m", "1"), &metrics.model("m", "2"));
}

/// The sum over the states of a device.
Duration accounted(const DeviceMetrics& device) {
    std::uint64_t sum = 0;
    for (const Counter& state : device.states) sum += state.value();
    return Duration(sum);
}

TEST(Metrics, AccountForEachLaneFromItsFirstRunnerOnThroughAllRestarts) {
    Metrics metrics;
    DeviceMetrics& device = metrics.device("d", "cpu");

    LaneClock& clock = device.lane_clock(0, at(0s));
    clock.up(at(0s));
    device.publish(at(3s));
    clock.fault(at(5s));
    device.publish(at(7s));
    EXPECT_EQ(accounted(device), 7s);
    device.lane_clock(0, at(10s)).up(at(10s));
    device.lane_clock(1, at(10s)).up(at(10s));
    device.publish(at(20s));

    EXPECT_EQ(accounted(device), 20s + 10s);
    const auto faulted = static_cast<std::size_t>(LaneState::faulted);
    EXPECT_EQ(Duration(device.states[faulted].value()), 5s);
}

TEST(Metrics, CountsUsefulTimeAtTheBestRateSeen) {
    Metrics metrics;
    DeviceMetrics& device = metrics.device("d", "simulated");
    BatchMetrics& batches = metrics.batches("m", "1", "d");

    batches.record({10, 10ms, {}, Closing::limit});
    batches.record({1, 8ms, {}, Closing::queue});

    EXPECT_EQ(device.useful.value(), 11'000'000u);
}

TEST(Metrics, CompareRunTimesWithWhatWasPredictedOnceAnythingWas) {
    Metrics metrics;
    ClassMetrics& runs = metrics.runs("m", "1", "cpu");

    runs.record({8, 10ms, {}, Closing::queue});
    runs.record({8, 10ms, 8ms, Closing::queue});
    runs.record({8, 10ms, 1ns, Closing::queue});

    EXPECT_EQ(runs.error.total(), 2u);
    EXPECT_EQ(runs.error.count(7), 1u) << "1.25 lies in the bucket up to 1.25";
    EXPECT_EQ(runs.error.count(11), 1u);
    EXPECT_EQ(runs.rows.value(), 24u);
    EXPECT_EQ(runs.compute.value(), 30'000'000u);
    EXPECT_EQ(runs.useful.value(), 30'000'000u);
}

TEST(Metrics, EscapesNamesThatWouldBreakTheText) {
    Metrics metrics;
    metrics.model("a\"b\\c\nd", "1").queued_rows.set(1);

    EXPECT_THAT(metrics.text(), HasSubstr(R"(model="a\"b\\c\nd")"));
}

TEST(Metrics, CanBeReadWhileTheyAreWritten) {
    Metrics metrics;
    ModelMetrics& model = metrics.model("m", "1");
    std::atomic<bool> stop = false;
    std::jthread reader([&] {
        while (!stop) EXPECT_THAT(metrics.text(), HasSubstr("bunch_rows_total"));
    });

    for (int i = 0; i < 20'000; ++i)
        model.record(ten_milliseconds(), Protocol::zmq, StatusCode::ok, 1);
    metrics.model("another", "1");
    stop = true;
    reader.join();

    EXPECT_EQ(model.rows.value(), 20'000u);
}

TEST(Metrics, AreWhatTheDashboardAndTheAlertsAskFor) {
    const std::string golden = text_of(BUNCH_GOLDEN);
    for (const char* path : {BUNCH_MONITORING "/dashboard.json", BUNCH_MONITORING "/alerts.yml"}) {
        const std::string text = text_of(path);
        const std::regex name("(bunch|process)_[a-z_]+");
        int names = 0;
        for (std::sregex_iterator at(text.begin(), text.end(), name), end; at != end; ++at, ++names)
            EXPECT_THAT(golden, HasSubstr(at->str())) << path;
        EXPECT_GT(names, 5) << path;
    }
}

TEST(Metrics, TellWhenAndHowThisProcessRuns) {
    const std::string text = Metrics().text();
    const auto value_of = [&text](const std::string& name) {
        const std::size_t at = text.find('\n' + name + ' ');
        return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
    };
    const auto now = static_cast<double>(std::time(nullptr));

    EXPECT_NEAR(value_of("process_start_time_seconds"), now - 300, 310);
    EXPECT_GT(value_of("process_resident_memory_bytes"), 1e6);
    EXPECT_GE(value_of("process_open_fds"), 3);
    EXPECT_GT(value_of("process_max_fds"), value_of("process_open_fds"));
    EXPECT_GE(value_of("process_cpu_seconds_total"), 0);
}

bool has_promtool() {
    return std::system("promtool --version >/dev/null 2>&1") == 0;  // NOLINT: a fixed command
}

TEST(Metrics, SatisfyTheLinterOfPrometheus) {
    if (!has_promtool()) GTEST_SKIP() << "promtool (package prometheus) is not installed";
    Metrics metrics;
    fill(metrics);

    FILE* promtool = popen("promtool check metrics >&2", "w");
    ASSERT_NE(promtool, nullptr);
    const std::string text = metrics.text();
    std::fwrite(text.data(), 1, text.size(), promtool);

    EXPECT_EQ(pclose(promtool), 0) << text;
}

}  // namespace
}  // namespace bunch
