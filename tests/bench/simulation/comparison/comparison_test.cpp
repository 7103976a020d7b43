#include "bench/simulation/comparison.h"

#include <nlohmann/json.hpp>

#include "bench/simulation/plots.h"
#include "tests/bench/simulation/small_world.h"

namespace bunch::simulation {
namespace {

std::vector<BestSetting> default_settings(const std::vector<Scenario>& scenarios) {
    std::vector<BestSetting> settings;
    for (const Scenario& scenario : scenarios)
        for (const Contender& contender : contenders())
            settings.push_back({scenario.name, contender.name, contender.fixed, 0});
    return settings;
}

/// Two tenants with a load of .2 each, one of which floods.
Scenario with_tenants() {
    Scenario scenario = open_loop();
    scenario.name = "two tenants";
    scenario.measure = Measure::tenants;
    scenario.tenants = {{"quiet", 1, .2, false}, {"loud", 1, .2, true}};
    return scenario;
}

Comparison compared(const std::vector<Scenario>& scenarios, ComparisonOptions options = {}) {
    options.study.seeds = 2;
    options.study.resolution = .05;
    Result<Comparison> comparison =
        compare(scenarios, default_settings(scenarios), options, [](std::size_t, std::size_t) {});
    EXPECT_TRUE(comparison.ok()) << comparison.status().to_string();
    return comparison.ok() ? std::move(*comparison) : Comparison{};
}

/// A pool in which policy i has the figure figures[i].
ComparedScenario pool_with(const std::string& name, const std::vector<double>& figures) {
    StudyRow row;
    row.scenario.name = name;
    row.scenario.is_random = true;
    for (const double figure : figures) {
        Finding finding;
        finding.figure = figure;
        row.cells.push_back({{finding}});
    }
    return {{{}, {row}}, {}};
}

TEST(Comparison, RunsBunchdAndEveryContenderInEveryScenario) {
    const Comparison comparison = compared({open_loop(), farm_of(3)});

    ASSERT_EQ(comparison.names.size(), contenders().size() + 1);
    EXPECT_EQ(comparison.names.front(), "bunchd");
    ASSERT_EQ(comparison.scenarios.size(), 2u);
    for (const ComparedScenario& one : comparison.scenarios) {
        ASSERT_EQ(one.row().cells.size(), comparison.names.size());
        for (std::size_t i = 0; i < comparison.names.size(); ++i) EXPECT_GT(one.figure(i), 0);
    }
}

TEST(Comparison, SaysBeforeAnyRunWhichSettingIsMissing) {
    const auto comparison =
        compare({open_loop(), farm_of(3)}, default_settings({open_loop()}), {},
                [](std::size_t, std::size_t) { ADD_FAILURE() << "something was run"; });

    ASSERT_FALSE(comparison.ok());
    EXPECT_THAT(comparison.status().message(), HasSubstr("in scenario 'farm'"));
}

TEST(Comparison, TheDifferenceIsToTheBestRivalAndOfALatencyTheLessTheBetter) {
    ComparedScenario one = pool_with("R1", {.5, .3, .7});
    EXPECT_EQ(one.best_rival(), 2u);
    EXPECT_DOUBLE_EQ(one.difference(), .5 - .7);

    one.study.rows.front().scenario.measure = Measure::latency;
    EXPECT_EQ(one.best_rival(), 1u);
    EXPECT_DOUBLE_EQ(one.difference(), .3 - .5);
}

TEST(Comparison, SummarisesTheRandomPools) {
    Comparison comparison{{"bunchd", "a", "b"},
                          {pool_with("R1", {.9, .8, .5}), pool_with("R2", {.6, .5, .7}),
                           pool_with("R3", {.696, .6, .7}), pool_with("S1", {0, 1, 1})}};
    comparison.scenarios.back().study.rows.front().scenario.is_random = false;

    const auto summary = summary_of_pools(comparison);

    ASSERT_TRUE(summary);
    EXPECT_EQ(summary->pools, 3u);
    EXPECT_NEAR(summary->means[0], .732, 1e-12);
    EXPECT_EQ(summary->best_rival, 1u);  // (.8 + .5 + .6) / 3 and (.5 + .7 + .7) / 3 are equal
    EXPECT_NEAR(summary->worst_difference, -.1, 1e-12);
    EXPECT_EQ(summary->worst_pool, "R2");
    EXPECT_EQ(summary->best_or_tied, 2u);
    EXPECT_FALSE(summary_of_pools({{"bunchd", "a"}, {}}));
}

TEST(Comparison, ItsTableHasARowPerScenarioAndTheSummary) {
    Scenario pool = open_loop();
    pool.is_random = true;
    pool.beat = .1;

    const std::string table = to_table(compared({pool, farm_of(3)}));

    EXPECT_THAT(table, HasSubstr("symphony/class"));
    EXPECT_THAT(table, ::testing::ContainsRegex("\nopen +0\\.100 .*\\* .* to "));
    EXPECT_THAT(table, HasSubstr("\nfarm "));
    EXPECT_THAT(table, HasSubstr("mean of 1 pools"));
    EXPECT_THAT(table, HasSubstr("best or tied (within 0.005) in "));
}

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++found;
    return found;
}

TEST(Comparison, ItsJsonHasAllFiguresAndBecomesPictures) {
    Scenario pool = open_loop();
    pool.name = "R 1";
    pool.is_random = true;
    ComparisonOptions options;
    options.curves_of = {"R 1"};
    options.loads = {.2, .4};
    const Comparison comparison = compared({farm_of(3), pool, with_tenants()}, options);

    const std::string text = to_json(comparison, "bunch-simulate --compare");
    const auto json = nlohmann::json::parse(text);
    const std::size_t policies = comparison.names.size();
    EXPECT_EQ(json["command"], "bunch-simulate --compare");
    EXPECT_EQ(json["scenarios"].size(), 3u);
    EXPECT_EQ(json["scenarios"][1]["policies"][0]["load_curve"].size(), 2u);
    EXPECT_GT(json["scenarios"][1]["policies"][0]["load_curve"][1]["p99_seconds"], 1e-3);
    EXPECT_EQ(json["random_pools"]["pools"], 1);

    const auto pictures = pictures_of(text);
    ASSERT_TRUE(pictures.ok()) << pictures.status().to_string();
    ASSERT_EQ(pictures->size(), 3u);
    EXPECT_EQ((*pictures)[0].file, "goodput.svg");
    EXPECT_EQ((*pictures)[1].file, "latency_R_1.svg");
    EXPECT_EQ((*pictures)[2].file, "fairness.svg");
    // A dot per figure and one per line of a legend; curves have points only.
    EXPECT_EQ(count((*pictures)[0].svg, "<circle"), 4 * policies);
    EXPECT_EQ(count((*pictures)[1].svg, "<circle"), 2 * 2 * policies);
    EXPECT_EQ(count((*pictures)[2].svg, "<circle"), 4 * policies);
    for (const Picture& picture : *pictures) {
        EXPECT_EQ(picture.svg.find("\"nan"), std::string::npos) << picture.file;
        EXPECT_EQ(picture.svg.find("\"inf"), std::string::npos) << picture.file;
    }
}

TEST(Pictures, AreRefusedForWhatIsNoComparison) {
    for (const char* text : {"", "{", "[]", "{}", R"({"policies": ["a"], "scenarios": [5]})"}) {
        const auto pictures = pictures_of(text);
        ASSERT_FALSE(pictures.ok()) << text;
        EXPECT_THAT(pictures.status().message(), HasSubstr("not the JSON of a comparison"));
    }
}

}  // namespace
}  // namespace bunch::simulation
