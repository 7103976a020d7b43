#include "bench/simulation/tuning.h"

#include "bench/simulation/policies.h"
#include "tests/bench/simulation/small_world.h"

namespace bunch::simulation {
namespace {

const BestSetting& setting_of(const std::vector<BestSetting>& settings, const std::string& scenario,
                              const std::string& contender) {
    for (const BestSetting& one : settings)
        if (one.scenario == scenario && one.contender == contender) return one;
    ADD_FAILURE() << "no setting of " << contender << " in " << scenario;
    return settings.front();
}

double value_of(const PolicyChoice& choice, const std::string& setting) {
    for (const auto& [name, value] : choice.settings)
        if (name == setting) return value;
    ADD_FAILURE() << choice.name << " has no " << setting;
    return 0;
}

/// Eight clients that ask again at once, on one lane: a batcher without delay makes two half
/// batches for ever.
Scenario lockstep() {
    Scenario scenario = farm_of(8);
    scenario.name = "lockstep";
    scenario.span = 200ms;
    scenario.farm->steps = {{100us, 0}};
    scenario.farm->think_noise = 0.3;
    return scenario;
}

Result<std::vector<BestSetting>> tuned(const std::vector<Scenario>& scenarios) {
    return tune(scenarios, {.resolution = .05}, [](std::size_t, std::size_t) {});
}

TEST(Contenders, AreNamedOnceAndAllTheirSettingsAreKnown) {
    std::set<std::string> names;
    for (const Contender& contender : contenders()) {
        EXPECT_TRUE(names.insert(contender.name).second) << contender.name;
        for (const Dimension& dimension : contender.dimensions)
            for (const double value : dimension.values) {
                PolicyChoice choice = contender.fixed;
                choice.settings.emplace_back(dimension.setting, value);
                EXPECT_TRUE(policy_maker(choice).ok()) << to_text(choice);
            }
    }
}

TEST(Contenders, SlotsAndContentionAreTriedOnlyWhereTheyMeanSomething) {
    Scenario plain = open_loop();
    Scenario rich = open_loop();
    rich.classes[0].slots = 2;
    rich.classes[0].lanes = 2;
    const Contender& clockwork = contenders()[4];
    ASSERT_EQ(clockwork.name, "clockwork");

    EXPECT_EQ(dimensions_for(clockwork, plain).size(), 1u);
    EXPECT_EQ(dimensions_for(clockwork, rich).size(), 3u);
}

TEST(Tuning, FindsTheDelayThatMakesOneBatchOfALockstep) {
    const auto settings = tuned({lockstep()});

    ASSERT_TRUE(settings.ok()) << settings.status().to_string();
    EXPECT_EQ(settings->size(), contenders().size());
    const BestSetting& triton = setting_of(*settings, "lockstep", "triton");
    EXPECT_GT(value_of(triton.choice, "delay_ms"), 0);
    EXPECT_GT(triton.figure, 1.2 * setting_of(*settings, "lockstep", "greedy").figure);
}

TEST(Tuning, IsNeverWorseThanWhereItBegan) {
    const Scenario scenario = open_loop();
    const auto settings = tuned({scenario, lockstep()});
    ASSERT_TRUE(settings.ok());

    const BestSetting& capped = setting_of(*settings, "open", "capped");
    const auto maker = policy_maker({"greedy", {{"cap", 0.5}, {"expire", 1}, {"quickest", 1}}});
    const double bound = 8 / 1.8e-3;
    const double start = goodput_of(scenario, *maker, {.bound = bound, .resolution = .05}).part;
    EXPECT_GT(start, 0);
    EXPECT_GE(capped.figure, start);
}

TEST(Tuning, OfALatencyTheLessTheBetter) {
    Scenario scenario = open_loop();
    EXPECT_TRUE(is_better(scenario, 2, 1));
    scenario.measure = Measure::latency;
    EXPECT_TRUE(is_better(scenario, 1, 2));
}

TEST(Tuning, TellsItsProgress) {
    std::vector<std::size_t> told;
    const auto settings =
        tune({farm_of(2)}, {.passes = 1}, [&](std::size_t through, std::size_t all) {
            told.push_back(through);
            EXPECT_EQ(all, 5u);  // the start, and Triton's four settings without instances
        });

    EXPECT_TRUE(settings.ok());
    EXPECT_THAT(told, ElementsAre(1, 2, 3, 4, 5));
}

TEST(Tuning, SaysWhichScenarioHasNoBound) {
    Scenario impossible = open_loop();
    impossible.models[0].objective = 1us;

    const auto settings = tuned({impossible});

    ASSERT_FALSE(settings.ok());
    EXPECT_THAT(settings.status().message(), HasSubstr("'open'"));
}

}  // namespace
}  // namespace bunch::simulation
