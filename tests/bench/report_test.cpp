#include "bench/farm/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace bunch::farm {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

Measurement measured(std::uint64_t rows, Duration latency) {
    Measurement run;
    run.crowd.workers = 32;
    run.crowd.seconds = 10;
    run.crowd.rows = rows;
    run.crowd.requests = rows;
    run.crowd.latencies.add(latency);
    return run;
}

PhaseResult accelerator() {
    PhaseResult phase;
    phase.name = "accelerator";
    phase.title = "SIMULATED accelerator";
    phase.unit = "rows";
    phase.simulated = true;
    phase.alone = measured(1'960, milliseconds(163));
    phase.service = measured(19'600, milliseconds(16));
    phase.service->service = ServiceFigures{16.2, 0.985, 0.97, {}};
    for (const char* stage : kStageNames) phase.service->service->stage_seconds[stage] = 1e-3;
    return phase;
}

TEST(Report, WritesTimesAndRatesWithThreeDigits) {
    EXPECT_EQ(time_text(0.00123456), "1.23 ms");
    EXPECT_EQ(time_text(99.96e-6), "100 us");
    EXPECT_EQ(time_text(0.9996), "1.00 s");
    EXPECT_EQ(time_text(0), "0");
    EXPECT_EQ(rate_text(27.14), "27.1");
    EXPECT_EQ(rate_text(163'456), "163,000");
    EXPECT_EQ(rate_text(999.7), "1,000");
}

TEST(Report, ShowsBothRunsAndTheServicesOwnFigures) {
    const std::string table = to_table({accelerator()});

    for (const char* text : {"196", "1,960", "16.2", "0.985", "0.970", "mean time in transfer_in"})
        EXPECT_THAT(table, HasSubstr(text));
    EXPECT_THAT(table, HasSubstr("SIMULATED accelerator: x10.0 the rows per second"));
}

TEST(Report, SaysWhatWentWrong) {
    PhaseResult phase = accelerator();
    phase.service->crowd.errors = 3;
    phase.service->crowd.first_error = "unavailable: draining";

    EXPECT_THAT(to_table({phase}), HasSubstr("0/0/3"));
    EXPECT_THAT(to_table({phase}), HasSubstr("unavailable: draining"));
    EXPECT_THAT(to_table({phase}), HasSubstr("0 wrong, 0 of another worker, 3 requests failed"));
    EXPECT_FALSE(phase.service->all_right());
    EXPECT_TRUE(phase.alone->all_right());
}

TEST(Report, ComparesNothingWhenOnlyOneModeRan) {
    PhaseResult phase = accelerator();
    phase.alone.reset();

    EXPECT_THAT(to_table({phase}), Not(HasSubstr("pooling gains")));
}

TEST(Report, PutsTheSameFiguresIntoTheJson) {
    const std::string json = to_json({accelerator()}, 7);

    for (const char* text : {"\"seed\": 7", "\"duty_cycle\": 0.985", "\"rows_per_second\": 1960.0",
                             "\"simulated\": true", "\"mismatches\": 0"})
        EXPECT_THAT(json, HasSubstr(text));
}

}  // namespace
}  // namespace bunch::farm
