/// bunch-simulate: scenarios in virtual time, under the project's scheduler and its rivals.

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "bench/simulation/bound.h"
#include "bench/simulation/policies.h"
#include "bench/simulation/result.h"
#include "bench/simulation/scenario_file.h"
#include "bench/simulation/world.h"

namespace bunch::simulation {
namespace {

int run(const std::vector<std::string>& files, const std::vector<std::string>& policies,
        std::uint64_t seeds) {
    for (const std::string& file : files) {
        const ScenarioResult loaded = load_scenarios(file);
        if (const auto* problems = std::get_if<ScenarioProblems>(&loaded)) {
            for (const std::string& problem : *problems) fmt::print(stderr, "{}\n", problem);
            return 1;
        }
        for (const Scenario& scenario : std::get<0>(loaded)) {
            const Result<Bound> bound = bound_of(scenario);
            if (!bound.ok()) {
                fmt::print(stderr, "bunch-simulate: {}\n", bound.status().to_string());
                return 1;
            }
            fmt::print("{} {}: bound {:.0f} requests/s, beat {}\n", scenario.name, scenario.title,
                       bound->rate, scenario.beat.value_or(0));
            for (const std::string& text : policies) {
                const auto choice = parse_choice(text);
                const auto maker = choice.ok() ? policy_maker(*choice) : choice.status();
                if (!maker.ok()) {
                    fmt::print(stderr, "bunch-simulate: {}\n", maker.status().to_string());
                    return 1;
                }
                double sum = 0;
                fmt::print("  {:20}", text);
                for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
                    const double part =
                        goodput_of(scenario, *maker, {.bound = bound->rate, .seed = seed});
                    fmt::print(" {:.3f}", part);
                    std::fflush(stdout);
                    sum += part;
                }
                fmt::print("  mean {:.3f}\n", sum / static_cast<double>(seeds));
            }
        }
    }
    return 0;
}

}  // namespace
}  // namespace bunch::simulation

int main(int argc, char** argv) {
    CLI::App app("Simulates scenarios under the scheduler and its rivals.");
    std::vector<std::string> files;
    std::vector<std::string> policies{"bunchd"};
    std::uint64_t seeds = 3;
    app.add_option("scenario", files)->required();
    app.add_option("--policy", policies)->capture_default_str();
    app.add_option("--seeds", seeds)->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    return bunch::simulation::run(files, policies, seeds);
}
