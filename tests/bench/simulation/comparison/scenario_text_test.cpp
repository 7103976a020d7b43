#include "bench/simulation/scenario_text.h"

#include <gtest/gtest.h>

#include "bench/simulation/scenario_file.h"

namespace bunch::simulation {
namespace {

// Every key of a scenario file, in the order and form in which the text has them.
constexpr const char* kPool = R"(name = "P"
title = "a \"pool\""
measure = "tenants"
span = "2s"
warm_up = 0.1
load = 0.5
deadlines = false
beat = 0.9
swaps = 1

[[model]]
name = "A"
objective = "5ms"
rows = 4
mix = 2.5
on = "20ms"
off = "80ms"
burst_lengths = "fixed"
max_queued_rows = 100

[[class]]
name = "fpga"
devices = 2
lanes = 3
slots = 2
noise = 0.01
gather_per_row = "100ns"
transfer_per_row = "2us"
stall_probability = 0.25
stall_time = "20ms"
changes = [
    {at = "1s", factor = 1.5},
]
outages = [
    {device = 1, from = "1s", until = "1500ms"},
]
mean_time_between_failures = "10s"
repair_time = "1s"
reconfiguration = "2s"
holds = [
    "A",
    "A",
]
runs = [
    {model = "A", fixed = "1500ns", per_row = "20us", rows = 8, contention = 0.5},
]

[[tenant]]
name = "one"
weight = 2
load = 0.3
floods = true
rows_per_second = 1000
burst_rows = 50
)";

constexpr const char* kFarm = R"(name = "F"
measure = "events"
bound = "lockstep"

[[model]]
name = "A"

[[class]]
name = "gpu"
runs = [
    {model = "A", fixed = "0ns", per_row = "20us", rows = 64},
]

[farm]
clients = 64
think_noise = 0.3
steps = [
    {think = "3ms", model = "A"},
]
)";

TEST(ScenarioText, IsWhatTheFileSaid) {
    std::string uncrowded = kFarm;
    uncrowded.replace(uncrowded.find("lockstep"), 8, "uncrowded");
    for (const std::string& text : {std::string(kPool), std::string(kFarm), uncrowded}) {
        const ScenarioResult read = parse_scenarios(text, "pool.toml");

        const auto* scenarios = std::get_if<std::vector<Scenario>>(&read);
        ASSERT_NE(scenarios, nullptr) << std::get<ScenarioProblems>(read).front();
        EXPECT_EQ(to_toml(scenarios->front()), text);
    }
}

}  // namespace
}  // namespace bunch::simulation
