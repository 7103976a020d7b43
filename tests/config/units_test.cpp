#include "config/units.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <string>

namespace bunch {
namespace {

using namespace std::chrono_literals;

TEST(Units, ReadTimes) {
    EXPECT_EQ(parse_duration("7ns").value(), 7ns);
    EXPECT_EQ(parse_duration("500us").value(), 500us);
    EXPECT_EQ(parse_duration("5ms").value(), 5ms);
    EXPECT_EQ(parse_duration("30s").value(), 30s);
    EXPECT_EQ(parse_duration("5m").value(), 5min);
    EXPECT_EQ(parse_duration("24h").value(), 24h);
    EXPECT_EQ(parse_duration("0s").value(), 0s);
}

TEST(Units, ReadSizes) {
    EXPECT_EQ(parse_bytes("1B").value(), 1u);
    EXPECT_EQ(parse_bytes("64KiB").value(), 64u << 10);
    EXPECT_EQ(parse_bytes("64MiB").value(), 64u << 20);
    EXPECT_EQ(parse_bytes("2GiB").value(), std::uint64_t{2} << 30);
    EXPECT_EQ(parse_bytes("1TiB").value(), std::uint64_t{1} << 40);
}

TEST(Units, SayWhatIsWrongWithATime) {
    const auto error = [](std::string_view text) {
        return parse_duration(text).status().message();
    };
    EXPECT_EQ(error("5"), R"(has no unit (write "5us", "5ms" or "5s"))");
    EXPECT_EQ(error("5sec"), R"(has the unknown unit "sec" (units are ns, us, ms, s, m and h))");
    EXPECT_EQ(error("5 ms"), R"(has the unknown unit " ms" (units are ns, us, ms, s, m and h))");
    constexpr const char* kNoNumber = R"(is not a whole number with a unit (such as "5ms"))";
    for (const char* text : {"", "ms", "1.5s", "-3s", "+3s", " 5ms", "five ms"})
        EXPECT_EQ(error(text), kNoNumber) << text;
    EXPECT_EQ(error("9223372036855s"), "is too large (at most 2^63 ns)");
    EXPECT_EQ(error("99999999999999999999s"), "is too large (at most 2^63 ns)");
}

TEST(Units, SayWhatIsWrongWithASize) {
    const auto error = [](std::string_view text) { return parse_bytes(text).status().message(); };
    EXPECT_EQ(error("64"), R"(has no unit (write "64KiB", "64MiB" or "64GiB"))");
    EXPECT_EQ(error("64MB"), R"(has the unknown unit "MB" (units are B, KiB, MiB, GiB and TiB))");
    EXPECT_EQ(error("8388608TiB"), "is too large (at most 2^63 B)");
}

TEST(Units, WriteWhatTheyReadBack) {
    EXPECT_EQ(to_text(5ms), "5ms");
    EXPECT_EQ(to_text(90s), "90s");
    EXPECT_EQ(to_text(0s), "0ns");
    EXPECT_EQ(bytes_to_text(64 << 20), "64MiB");
    const auto seed = std::random_device()();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    for (int round = 0; round < 1000; ++round) {
        const auto number = static_cast<std::int64_t>(random() >> (1 + random() % 60));
        EXPECT_EQ(parse_duration(to_text(Duration(number))).value(), Duration(number));
        const auto bytes = static_cast<std::uint64_t>(number);
        EXPECT_EQ(parse_bytes(bytes_to_text(bytes)).value(), bytes);
    }
}

}  // namespace
}  // namespace bunch
