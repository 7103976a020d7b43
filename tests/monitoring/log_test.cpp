#include "monitoring/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>

namespace bunch {
namespace {

using log::format_line;
using log::Level;
using testing::HasSubstr;
using testing::MatchesRegex;

TEST(Log, WritesAnEventAsItsNameAndThenFields) {
    EXPECT_EQ(format_line(Level::warn, "runner_lost",
                          {{"device", "fpga0"}, {"signal", 9}, {"pause", 0.25}, {"again", true}}),
              "warn runner_lost device=fpga0 signal=9 pause=0.25 again=true");
    EXPECT_EQ(format_line(Level::info, "ready", {}), "info ready");
}

TEST(Log, KeepsTheWholeRangeOfNumbers) {
    EXPECT_EQ(format_line(Level::info, "n",
                          {{"max", std::numeric_limits<std::uint64_t>::max()},
                           {"min", std::numeric_limits<std::int64_t>::min()}}),
              "info n max=18446744073709551615 min=-9223372036854775808");
}

TEST(Log, QuotesValuesThatAReaderCouldMistake) {
    EXPECT_EQ(format_line(Level::error, "e", {{"why", "no such file"}, {"empty", ""}}),
              R"(error e why="no such file" empty="")");
    EXPECT_EQ(format_line(Level::error, "e", {{"a", "x=1"}, {"b", "say \"hi\" \\"}}),
              R"(error e a="x=1" b="say \"hi\" \\")");
}

TEST(Log, NeverLetsAValueBreakItsLine) {
    EXPECT_EQ(format_line(Level::info, "e", {{"name", "a\nerror forged x=1\r\t\x1b[2J\xff"}}),
              R"(info e name="a\nerror forged x=1\r\t\x1b[2J\xff")");
    const auto seed = std::random_device()();
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    for (int round = 0; round < 1000; ++round) {
        std::string value(random() % 40, ' ');
        for (char& c : value) c = static_cast<char>(random());

        const std::string line = format_line(Level::info, "e", {{"v", value}});

        EXPECT_TRUE(std::all_of(line.begin(), line.end(), [](char c) {
            return c >= ' ' && c < 127;
        })) << line;
    }
}

TEST(Log, CutsValuesThatAreTooLong) {
    const std::string line = format_line(Level::info, "e", {{"v", std::string(1 << 20, 'x')}});

    EXPECT_LT(line.size(), 1100u);
    EXPECT_THAT(line, HasSubstr("xxx...\""));
}

TEST(Log, WritesEventsOfItsLevelAndAboveToStderrWithATimestamp) {
    ASSERT_EQ(unsetenv("JOURNAL_STREAM"), 0);

    testing::internal::CaptureStderr();
    log::debug("hidden");
    log::info("shown", {{"n", 1}});
    log::set_level(Level::error);
    log::warn("hidden_too");
    log::set_level(Level::info);
    const std::string text = testing::internal::GetCapturedStderr();

    EXPECT_THAT(text, MatchesRegex("[0-9]+-[0-9]+-[0-9]+T[0-9]+:[0-9]+:[0-9.]+Z info shown n=1\n"));
}

// Runs in a process of its own, since where the log goes is found out once.
TEST(LogDeathTest, MarksLinesWithPrioritiesWhereStderrIsTheJournal) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const auto log_to_journal = [] {
        struct stat file {};
        if (fstat(STDERR_FILENO, &file) != 0) std::_Exit(1);
        const std::string stream = std::to_string(file.st_dev) + ":" + std::to_string(file.st_ino);
        setenv("JOURNAL_STREAM", stream.c_str(), 1);
        log::warn("runner_lost", {{"signal", 9}});
        std::_Exit(0);
    };

    EXPECT_EXIT(log_to_journal(), testing::ExitedWithCode(0), "<4>warn runner_lost signal=9");
}

TEST(Log, FindsLevelsByName) {
    EXPECT_EQ(log::level_named("warn"), Level::warn);
    EXPECT_EQ(log::level_named("loud"), std::nullopt);
}

}  // namespace
}  // namespace bunch
