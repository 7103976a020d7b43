// Equal seeds give equal runs, with every compiler; and no request is lost or answered twice,
// whatever the policy.
#include "bench/simulation/policies.h"
#include "bench/simulation/random.h"
#include "bench/simulation/world.h"
#include "tests/bench/simulation/small_world.h"

namespace bunch::simulation {
namespace {

/// Two classes with noise, stalls and failures, three models, bursts, requests of several rows.
Scenario restless() {
    Scenario scenario;
    scenario.name = "restless";
    scenario.span = 1s;
    scenario.models = {{.name = "A", .objective = 20ms, .mix = 8, .on = 20ms, .off = 60ms},
                       {.name = "B", .objective = 50ms, .rows = 3, .mix = 2},
                       {.name = "C", .mix = 1}};
    DeviceClass fast = plain_class();
    fast.name = "fast";
    fast.devices = 2;
    fast.lanes = 2;
    fast.slots = 2;
    fast.noise = 0.2;
    fast.gather_per_row = 2us;
    fast.transfer_per_row = 5us;
    fast.stall_probability = 0.01;
    fast.stall_time = 10ms;
    fast.mean_time_between_failures = 200ms;
    fast.repair_time = 30ms;
    fast.curves.push_back(
        {.model = 1, .fixed = 2e-3, .per_row = 2e-4, .contention = 0.5, .max_rows = 16});
    DeviceClass slow = plain_class();
    slow.name = "slow";
    slow.devices = 3;
    slow.noise = 0.1;
    slow.curves = {{.model = 0, .per_row = 1e-3, .max_rows = 4},
                   {.model = 1, .per_row = 2e-3, .max_rows = 3},
                   {.model = 2, .per_row = 3e-3, .max_rows = 2}};
    slow.outages = {{1, 300ms, 700ms}};
    scenario.classes = {fast, slow};
    return scenario;
}

Scenario restless_farm() {
    Scenario scenario = restless();
    scenario.measure = Measure::events;
    scenario.farm = Farm{40, 0.3, {{1ms, 0}, {2ms, 1}, {500us, 2}}};
    return scenario;
}

RunResult run(const Scenario& scenario, const std::string& policy, std::uint64_t seed) {
    const Result<PolicyMaker> maker = policy_maker({policy, {}});
    EXPECT_TRUE(maker.ok()) << maker.status().to_string();
    return run_world(scenario, *(*maker)(seed), {.rate = 3000, .seed = seed});
}

class EveryPolicy : public ::testing::TestWithParam<std::string> {};

TEST_P(EveryPolicy, DecidesTheSameForTheSameSeed) {
    for (const Scenario& scenario : {restless(), restless_farm()}) {
        const RunResult first = run(scenario, GetParam(), 7);
        const RunResult again = run(scenario, GetParam(), 7);
        const RunResult other = run(scenario, GetParam(), 8);

        EXPECT_GT(first.decisions, 100u);
        EXPECT_EQ(first.fingerprint, again.fingerprint);
        EXPECT_NE(first.fingerprint, other.fingerprint);
    }
}

TEST_P(EveryPolicy, EndsEveryRequestOnce) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed)
        for (const Scenario& scenario : {restless(), restless_farm()}) {
            const RunResult result = run(scenario, GetParam(), seed);
            const Ends all = result.all();

            EXPECT_EQ(all.offered, all.in_objective + all.late + all.all_rejected()) << seed;
            EXPECT_EQ(all.unfinished, 0u) << seed;
            EXPECT_GT(all.in_objective, 0u) << seed;
        }
}

TEST_P(EveryPolicy, MeetsTheSameRequests) {
    FirstCome plain;
    const RunResult expected = run_world(restless(), plain, {.rate = 3000, .seed = 5});

    const RunResult result = run(restless(), GetParam(), 5);

    EXPECT_EQ(result.requests, expected.requests);
    for (std::size_t m = 0; m < result.models.size(); ++m)
        EXPECT_EQ(result.models[m].ends.offered, expected.models[m].ends.offered);
}

INSTANTIATE_TEST_SUITE_P(Policies, EveryPolicy,
                         ::testing::Values("bunchd", "greedy", "triton", "edf", "clockwork",
                                           "symphony"),
                         [](const auto& named) { return named.param; });

TEST(Determinism, GivesTheSameNumbersWithEveryCompiler) {
    Random random(1, Purpose::runs, 2);
    EXPECT_EQ(random.next(), 6490870458006784936u);
    EXPECT_EQ(from_seconds(random.exponential()), 2462187609ns);
    EXPECT_EQ(from_seconds(random.lognormal(0.25)), 830256036ns);
    FirstCome policy;

    EXPECT_EQ(run_world(restless(), policy, {.rate = 3000, .seed = 1}).fingerprint,
              10007978426379619952u);
}

TEST(Random, HasTheMeanAndSpreadThatItPromises) {
    Random random(1, Purpose::runs, 0);
    constexpr int kDraws = 200'000;
    double uniform = 0;
    double exponential = 0;
    double lognormal = 0;
    double log_square = 0;
    for (int i = 0; i < kDraws; ++i) {
        uniform += random.uniform();
        exponential += random.exponential();
        const double factor = random.lognormal(0.3);
        lognormal += factor;
        log_square += (std::log(factor) + 0.045) * (std::log(factor) + 0.045);
    }

    EXPECT_NEAR(uniform / kDraws, 0.5, 0.003);
    EXPECT_NEAR(exponential / kDraws, 1, 0.01);
    EXPECT_NEAR(lognormal / kDraws, 1, 0.003);
    EXPECT_NEAR(std::sqrt(log_square / kDraws), 0.3, 0.003);
}

TEST(Random, DrawsOtherNumbersForOtherPurposes) {
    EXPECT_NE(Random(1, Purpose::runs, 0).next(), Random(1, Purpose::stalls, 0).next());
    EXPECT_NE(Random(1, Purpose::runs, 0).next(), Random(1, Purpose::runs, 1).next());
    EXPECT_NE(Random(1, Purpose::runs, 0).next(), Random(2, Purpose::runs, 0).next());
}

}  // namespace
}  // namespace bunch::simulation
