// The sections [scheduler] and [[tenant]].
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <variant>

#include "config/load.h"

namespace bunch {
namespace {

using testing::ElementsAre;

const std::string kRest = R"(
[[device]]
name = "cpu0"
backend = "cpu"
[[model]]
name = "m"
path = "m.onnx"
)";

Config config_of(const std::string& text) {
    const ConfigResult result = parse_config(text + kRest, "b.toml");
    if (const auto* problems = std::get_if<ConfigProblems>(&result)) {
        ADD_FAILURE() << testing::PrintToString(*problems);
        return {};
    }
    return std::get<Config>(result);
}

ConfigProblems problems_of(const std::string& text) {
    const ConfigResult result = parse_config(text + kRest, "b.toml");
    if (const auto* problems = std::get_if<ConfigProblems>(&result)) return *problems;
    return {};
}

TEST(TenantConfig, HasAWeightAndAQuota) {
    const Config config = config_of(
        "[scheduler]\nminimum_share = 0.1\n"
        "[[tenant]]\nname = \"analysis\"\nweight = 2\nrows_per_second = 1000\nburst_rows = 50.5\n"
        "[[tenant]]\nname = \"tests\"\nweight = 0.5\n");

    EXPECT_EQ(config.scheduler.minimum_share, 0.1);
    ASSERT_EQ(config.tenants.size(), 2u);
    EXPECT_EQ(config.tenants[0].name, "analysis");
    EXPECT_EQ(config.tenants[0].weight, 2);
    EXPECT_EQ(config.tenants[0].rows_per_second, 1000);
    EXPECT_EQ(config.tenants[0].burst_rows, 50.5);
    EXPECT_EQ(config.tenants[1].weight, 0.5);
    EXPECT_EQ(config.tenants[1].rows_per_second, 0);
    EXPECT_EQ(config.tenants[1].burst_rows, 0);
}

TEST(TenantConfig, LetsOneSecondsRowsComeAtOnceAndAlwaysOne) {
    const Config config = config_of(
        "[[tenant]]\nname = \"a\"\nrows_per_second = 200\n"
        "[[tenant]]\nname = \"b\"\nrows_per_second = 0.1\n");

    EXPECT_EQ(config.tenants.at(0).burst_rows, 200);
    EXPECT_EQ(config.tenants.at(1).burst_rows, 1);
}

TEST(TenantConfig, RefusesNumbersThatMakeNoSense) {
    const std::string tenant = "[[tenant]]\nname = \"a\"\n";
    EXPECT_THAT(problems_of(tenant + "weight = 0"),
                ElementsAre("b.toml:3: weight = 0 is out of range (0.001 to 1e+09)"));
    EXPECT_THAT(problems_of(tenant + "weight = -1.5"),
                ElementsAre("b.toml:3: weight = -1.5 is out of range (0.001 to 1e+09)"));
    EXPECT_THAT(problems_of(tenant + "weight = nan"),
                ElementsAre("b.toml:3: weight = nan is out of range (0.001 to 1e+09)"));
    EXPECT_THAT(problems_of(tenant + "weight = \"2\""),
                ElementsAre("b.toml:3: weight = \"2\" is of the wrong type (write a number without "
                            "quotes)"));
    EXPECT_THAT(problems_of(tenant + "rows_per_second = -5"),
                ElementsAre("b.toml:3: rows_per_second = -5 is out of range (0.001 to 1e+09)"));
    EXPECT_THAT(problems_of(tenant + "rows_per_second = 10\nburst_rows = 0.5"),
                ElementsAre("b.toml:4: burst_rows = 0.5 is out of range (1 to 1e+09)"));
    EXPECT_THAT(problems_of("[scheduler]\nminimum_share = 0.6"),
                ElementsAre("b.toml:2: minimum_share = 0.6 is out of range (0 to 0.5)"));
}

TEST(TenantConfig, RefusesABurstWithoutAQuota) {
    EXPECT_THAT(problems_of("[[tenant]]\nname = \"a\"\nburst_rows = 5"),
                ElementsAre("b.toml:3: burst_rows = 5 has no quota to go with (write "
                            "rows_per_second, too)"));
}

TEST(TenantConfig, RefusesTenantsWithoutANameOrWithTheSameOne) {
    EXPECT_THAT(problems_of("[[tenant]]\nweight = 2"),
                ElementsAre("b.toml:1: this [[tenant]] has no name (write name = \"analysis\")"));
    EXPECT_THAT(problems_of("[[tenant]]\nname = \"a\"\n[[tenant]]\nname = \"a\""),
                ElementsAre("b.toml:4: name = \"a\" is the name of two tenants (rename one)"));
}

TEST(TenantConfig, TakesTwoHundredTenantsAndNoMore) {
    std::string text;
    for (int i = 0; i < 200; ++i) text += "[[tenant]]\nname = \"t" + std::to_string(i) + "\"\n";

    EXPECT_EQ(config_of(text).tenants.size(), 200u);
    EXPECT_THAT(problems_of(text + "[[tenant]]\nname = \"last\""),
                ElementsAre("b.toml:401: this is [[tenant]] number 201, there may be 200 (leave "
                            "the rest to the tenant \"default\")"));
}

}  // namespace
}  // namespace bunch
