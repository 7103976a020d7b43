// The simulator's scenarios with a real daemon: its configuration, and what is sent to it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <variant>

#include "bench/against_simulation/daemon_config.h"
#include "bench/against_simulation/daemon_run.h"
#include "bench/against_simulation/load.h"
#include "config/load.h"

namespace bunch::against {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using namespace simulation;

/// A fast device for both models, and two slow ones for the first.
Scenario small_scenario() {
    Scenario scenario;
    scenario.name = "small";
    scenario.span = 500ms;
    scenario.models = {{.name = "a", .objective = Duration(1s), .mix = 1},
                       {.name = "b", .rows = 3, .mix = 1}};
    scenario.classes = {{.name = "fast",
                         .slots = 2,
                         .noise = 0.05,
                         .curves = {{0, 1e-3, 1e-5, 0, 16}, {1, 2e-3, 2e-5, 0, 8}}},
                        {.name = "slow", .devices = 2, .lanes = 3, .curves = {{0, 0, 1e-3, 0, 4}}}};
    scenario.tenants = {{.name = "t", .weight = 2, .rows_per_second = 50, .burst_rows = 5},
                        {.name = "u"}};
    return scenario;
}

TEST(AgainstConfig, IsOneThatADaemonTakes) {
    const ConfigResult result =
        parse_config(daemon_config(small_scenario(), "/tmp/x"), "/tmp/x/bunchd.toml");

    if (const auto* problems = std::get_if<ConfigProblems>(&result))
        FAIL() << testing::PrintToString(*problems);
    const Config& config = std::get<Config>(result);
    ASSERT_EQ(config.devices.size(), 3u);
    EXPECT_EQ(config.devices[0].name, "fast0");
    EXPECT_EQ(config.devices[0].slots, 2u);
    EXPECT_EQ(config.devices[0].options.at("b.per_row"), "20000ns");
    EXPECT_EQ(config.devices[0].options.at("noise"), "0.05");
    EXPECT_EQ(config.devices[2].lanes, 3u);
    EXPECT_EQ(config.devices[2].options.at("device_class"), "simulated-slow");
    ASSERT_EQ(config.models.size(), 2u);
    EXPECT_THAT(config.models[0].devices, ElementsAre("fast0", "slow0", "slow1"));
    EXPECT_THAT(config.models[1].devices, ElementsAre("fast0"));
    EXPECT_EQ(config.models[0].objective, Duration(1s));
    EXPECT_EQ(config.models[0].max_batch_rows, 16u);
    ASSERT_EQ(config.tenants.size(), 2u);
    EXPECT_EQ(config.tenants[0].weight, 2);
    EXPECT_EQ(config.tenants[0].rows_per_second, 50);
    EXPECT_EQ(config.tenants[1].rows_per_second, 0);
}

TEST(AgainstConfig, SaysWhatARunnerCannotStandFor) {
    const auto problem = [](auto change) {
        Scenario scenario = small_scenario();
        change(scenario.classes[0]);
        return check_supported(scenario).message();
    };

    EXPECT_EQ(problem([](DeviceClass&) {}), "");
    EXPECT_THAT(problem([](DeviceClass& one) { one.curves[0].contention = 0.5; }),
                HasSubstr("scenario small has contention"));
    EXPECT_THAT(problem([](DeviceClass& one) { one.changes = {{1s, 2}}; }), HasSubstr("speed"));
    EXPECT_THAT(problem([](DeviceClass& one) {
                    one.outages = {{0, 1s, 2s}};
                }),
                HasSubstr("failures"));
    EXPECT_THAT(problem([](DeviceClass& one) { one.stall_probability = 0.1; }),
                HasSubstr("stalls"));
    EXPECT_THAT(problem([](DeviceClass& one) { one.gather_per_row = 1us; }), HasSubstr("copies"));
    EXPECT_THAT(problem([](DeviceClass& one) { one.reconfiguration = 1s; }),
                HasSubstr("reconfiguration"));
}

TEST(AgainstDaemon, SendsEveryRequestOfAnOpenLoopAndHearsOfItsEnd) {
    Scenario scenario = small_scenario();
    scenario.tenants.clear();
    scenario.models[0].objective = 1h;  // however busy the machine is
    const auto daemon = DaemonRun::start(BUNCH_BIN_DIR "/bunchd", scenario);
    ASSERT_TRUE(daemon.ok()) << daemon.status().to_string();

    const auto run =
        play(scenario, (*daemon)->endpoint(), {.rate = 200, .seed = 1, .patience = 1h});

    ASSERT_TRUE(run.ok()) << run.status().to_string();
    const Ends ends = run->all();
    EXPECT_GT(ends.offered, 40u);
    EXPECT_EQ(ends.in_objective, ends.offered);
    EXPECT_EQ(ends.unfinished, 0u);
    EXPECT_EQ(run->latencies().count(), ends.offered);
    const auto status = (*daemon)->status();
    ASSERT_TRUE(status.ok()) << status.status().to_string();
    std::uint64_t served = 0;
    for (const v1::Model& model : status->models()) served += model.served();
    EXPECT_EQ(served, run->requests);
}

TEST(AgainstDaemon, KeepsTheClientsOfAFarmGoing) {
    Scenario scenario = small_scenario();
    scenario.tenants.clear();
    scenario.span = 2s;
    scenario.farm = Farm{4, 0.1, {{1ms, 0}, {1ms, 1}}};
    const auto daemon = DaemonRun::start(BUNCH_BIN_DIR "/bunchd", scenario);
    ASSERT_TRUE(daemon.ok()) << daemon.status().to_string();

    const auto run = play(scenario, (*daemon)->endpoint(), {.seed = 1});

    ASSERT_TRUE(run.ok()) << run.status().to_string();
    EXPECT_GT(run->models[0].ends.offered, 4u);
    EXPECT_GT(run->models[1].ends.offered, 4u);
    EXPECT_GT(run->events_per_second, 0);
}

TEST(AgainstDaemon, SaysWhyADaemonDidNotStart) {
    const auto none = DaemonRun::start("/no/such/bunchd", small_scenario());
    EXPECT_EQ(none.status().code(), StatusCode::unavailable);
    Scenario wrong = small_scenario();
    wrong.models[0].name = "no name";

    const auto refused = DaemonRun::start(BUNCH_BIN_DIR "/bunchd", wrong);

    EXPECT_THAT(refused.status().message(), HasSubstr("is not a name"));
}

}  // namespace
}  // namespace bunch::against
