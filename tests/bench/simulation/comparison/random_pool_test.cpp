#include "bench/simulation/random_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "bench/simulation/bound.h"
#include "bench/simulation/scenario_file.h"
#include "bench/simulation/scenario_text.h"

namespace bunch::simulation {
namespace {

TEST(RandomPool, IsTheSameForTheSameSeedAndAnotherForAnother) {
    std::set<std::string> texts;
    for (std::uint64_t seed = 1; seed <= kRandomPools; ++seed) {
        const std::string text = to_toml(random_pool(seed));
        EXPECT_EQ(text, to_toml(random_pool(seed)));
        texts.insert(text.substr(text.find("[[model]]")));
    }

    EXPECT_EQ(texts.size(), kRandomPools);
}

TEST(RandomPool, IsAScenarioThatAFileCouldDescribeAndThatHasABound) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        SCOPED_TRACE(seed);
        const Scenario pool = random_pool(seed);

        const ScenarioResult read = parse_scenarios(to_toml(pool), "pool.toml");
        const auto* scenarios = std::get_if<std::vector<Scenario>>(&read);
        ASSERT_NE(scenarios, nullptr) << std::get<ScenarioProblems>(read).front();
        EXPECT_EQ(to_toml(scenarios->front()), to_toml(pool));
        const Result<double> bound = bound_of(pool);
        ASSERT_TRUE(bound.ok()) << bound.status().to_string();
        EXPECT_NEAR(*bound_of(scenarios->front()), *bound, 1e-6 * *bound);
    }
}

TEST(RandomPool, HasWhatItPromises) {
    std::set<std::size_t> classes, models;
    bool has_bursts = false, has_rows = false, has_slots = false, has_contention = false;
    for (std::uint64_t seed = 1; seed <= kRandomPools; ++seed) {
        const Scenario pool = random_pool(seed);
        classes.insert(pool.classes.size());
        models.insert(pool.models.size());
        for (const SimulatedModel& model : pool.models) {
            has_bursts |= model.on > Duration::zero();
            has_rows |= model.rows > 1;
            EXPECT_TRUE(model.objective) << pool.name;
        }
        for (const DeviceClass& one : pool.classes) {
            has_slots |= one.slots > 1;
            for (const Curve& curve : one.curves) has_contention |= curve.contention > 0;
        }
    }

    EXPECT_THAT(classes, ::testing::ElementsAre(1, 2, 3, 4));
    EXPECT_EQ(*models.begin(), 1u);
    EXPECT_EQ(*models.rbegin(), 8u);
    EXPECT_TRUE(has_bursts && has_rows && has_slots && has_contention);
}

}  // namespace
}  // namespace bunch::simulation
