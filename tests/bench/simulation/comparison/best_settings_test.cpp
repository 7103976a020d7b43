#include "bench/simulation/best_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/simulation/policies.h"

namespace bunch::simulation {
namespace {

using ::testing::HasSubstr;

std::vector<BestSetting> some_settings() {
    return {{"S1", "greedy", {"greedy", {{"cap", 0.5}}}, 0.801},
            {"S1", "symphony/class", {"symphony", {{"per_class", 1}}}, 0.7},
            {"S6 N=64", "greedy", {"greedy", {}}, 0.5}};
}

std::string problem_of(const std::string& text) {
    return parse_best_settings(text, "best.toml").status().message();
}

TEST(BestSettings, AreReadAsTheyWereWritten) {
    const std::string text = to_toml(some_settings(), "bunch-simulate --tune");

    EXPECT_THAT(text, HasSubstr("#     bunch-simulate --tune\n"));
    const auto read = parse_best_settings(text, "best.toml");
    ASSERT_TRUE(read.ok()) << read.status().to_string();
    EXPECT_EQ(to_toml(*read, "bunch-simulate --tune"), text);
    EXPECT_EQ(to_text(*best_for(*read, "S1", "greedy")), "greedy:cap=0.5");
    EXPECT_EQ(to_text(*best_for(*read, "S6 N=64", "greedy")), "greedy");
}

TEST(BestSettings, ThatAreMissingAreNamedWithTheCommandThatFindsThem) {
    const Status status = best_for(some_settings(), "S1", "triton").status();

    EXPECT_EQ(status.code(), StatusCode::not_found);
    EXPECT_THAT(status.message(), HasSubstr("'triton' in scenario 'S1'"));
    EXPECT_THAT(status.message(), HasSubstr("bunch-simulate --tune"));
}

TEST(BestSettings, OfOtherScenariosStayWhenSomeAreFoundAnew) {
    const auto all = merged(some_settings(), {{"S1", "greedy", {"greedy", {{"cap", 1}}}, 0.9}});

    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].scenario, "S6 N=64");
    EXPECT_EQ(all[1].figure, 0.9);
}

TEST(BestSettings, EachProblemIsToldWithItsLine) {
    EXPECT_THAT(problem_of("S1 = 5"), HasSubstr("best.toml:1: S1 = 5"));
    EXPECT_THAT(problem_of("[S1]\ngreedy = \"greedy\""), HasSubstr("best.toml:2: greedy = "));
    EXPECT_THAT(problem_of("[S1]\n\nx = {policy = \"oracle\"}"),
                HasSubstr("best.toml:3: x: there is no policy 'oracle'"));
    EXPECT_THAT(problem_of("[S1]\nx = {policy = \"greedy:cap\"}"),
                HasSubstr("best.toml:2: x: policy 'greedy:cap'"));
    EXPECT_THAT(problem_of("[S1]\nx = {policy = \"greedy:delay_ms=1\"}"),
                HasSubstr("has no setting 'delay_ms'"));
    EXPECT_THAT(problem_of("[S1]\nx = {policy = \"greedy\", figure = \"a\"}"),
                HasSubstr("best.toml:2: figure = "));
    EXPECT_THAT(problem_of("[S1"), HasSubstr("best.toml:1"));
}

TEST(BestSettings, AFileThatIsNotThereIsNamed) {
    EXPECT_THAT(load_best_settings("/nowhere/best.toml").status().message(),
                HasSubstr("'/nowhere/best.toml' cannot be read"));
}

}  // namespace
}  // namespace bunch::simulation
