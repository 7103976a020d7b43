/// bunch-simulate: scenarios in virtual time, under the project's scheduler and its rivals.

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "bench/simulation/policies.h"
#include "bench/simulation/random_pool.h"
#include "bench/simulation/report.h"
#include "bench/simulation/scenario_file.h"
#include "bench/simulation/scenario_text.h"
#include "bench/simulation/study.h"

namespace bunch::simulation {
namespace {

namespace fs = std::filesystem;

constexpr int kFailed = 1;

struct Arguments {
    std::vector<std::string> paths{"bench/simulation/scenarios"};
    std::vector<std::string> policies{"bunchd"};
    StudyOptions study;
    std::string json;
    bool quick = false;
    bool details = false;
    bool check = false;
    bool print = false;
    std::vector<std::uint64_t> pools;
};

void declare_options(CLI::App& app, Arguments& args) {
    app.add_option("scenario", args.paths, "scenario files, or folders of them")
        ->capture_default_str();
    app.add_option("--random-pool", args.pools,
                   "pools drawn with these seeds, instead of scenario files or beside those named")
        ->take_all();
    app.add_option("--policy", args.policies,
                   "NAME or NAME:key=value,...; may be given several times")
        ->allow_extra_args(false)
        ->capture_default_str();
    app.add_option("--seeds", args.study.seeds, "runs of each policy, with seeds of their own")
        ->check(CLI::Range(1, 10000))
        ->capture_default_str();
    app.add_option("--seed", args.study.first_seed, "the first of them")->capture_default_str();
    app.add_flag("--quick", args.quick, "one seed, and a coarser search: about a minute for all");
    auto* load = app.add_option("--load", args.study.fixed_load,
                                "no search: this part of the bound (open loop)");
    app.add_option("--rate", args.study.fixed_rate, "no search: requests per second (open loop)")
        ->excludes(load);
    app.add_option("--jobs", args.study.threads, "threads")
        ->check(CLI::Range(1, 1024))
        ->capture_default_str();
    app.add_flag("--details", args.details, "also models, tenants and classes of the first seed");
    app.add_option("--json", args.json, "write everything to this file");
    app.add_flag("--check", args.check, "only say whether the scenario files are right");
    app.add_flag("--print", args.print, "only print the scenarios as files have them");
}

std::vector<std::string> files_of(const std::vector<std::string>& paths) {
    std::vector<std::string> files;
    for (const std::string& path : paths) {
        std::error_code error;
        if (!fs::is_directory(path, error)) {
            files.push_back(path);
            continue;
        }
        std::vector<std::string> found;
        for (const auto& entry : fs::directory_iterator(path, error))
            if (entry.path().extension() == ".toml") found.push_back(entry.path().string());
        std::sort(found.begin(), found.end());
        files.insert(files.end(), found.begin(), found.end());
    }
    return files;
}

/// Prints what is wrong with the files; nothing if something is.
std::optional<std::vector<Scenario>> load_all(const std::vector<std::string>& paths,
                                              const std::vector<std::uint64_t>& pools) {
    std::vector<Scenario> scenarios;
    for (const std::uint64_t seed : pools) scenarios.push_back(random_pool(seed));
    bool right = true;
    for (const std::string& file : files_of(paths)) {
        ScenarioResult loaded = load_scenarios(file);
        if (const auto* problems = std::get_if<ScenarioProblems>(&loaded)) {
            right = false;
            for (const std::string& problem : *problems)
                fmt::print(stderr, "bunch-simulate: {}\n", problem);
            continue;
        }
        for (Scenario& scenario : std::get<std::vector<Scenario>>(loaded))
            scenarios.push_back(std::move(scenario));
    }
    if (right && scenarios.empty()) {
        fmt::print(stderr, "bunch-simulate: no scenario files in '{}' (name some)\n",
                   fmt::join(paths, "', '"));
        right = false;
    }
    if (!right) return std::nullopt;
    return scenarios;
}

/// A line that counts on a terminal; elsewhere, a line at each tenth.
void show_progress(std::size_t through, std::size_t all) {
    if (isatty(STDERR_FILENO) != 0)
        fmt::print(stderr, "\r{} of {} {}", through, all, through == all ? "\n" : "");
    else if (through * 10 / all != (through - 1) * 10 / all)
        fmt::print(stderr, "bunch-simulate: {} of {}\n", through, all);
}

Status save(const std::string& path, const std::string& text) {
    std::ofstream file(path, std::ios::trunc);
    file << text << std::flush;
    if (!file) return unavailable("'" + path + "' cannot be written");
    return ok_status();
}

Status simulate(const Arguments& args, const std::vector<Scenario>& scenarios) {
    StudyOptions options = args.study;
    for (const std::string& policy : args.policies) {
        BUNCH_ASSIGN_OR_RETURN(PolicyChoice choice, parse_choice(policy));
        options.policies.push_back(std::move(choice));
    }
    if (args.quick) {
        options.seeds = 1;
        options.resolution = .01;
    }
    BUNCH_ASSIGN_OR_RETURN(const Study study, run_study(scenarios, options, show_progress));
    fmt::print("{}", to_table(study));
    if (args.details) fmt::print("{}", to_details(study));
    return args.json.empty() ? ok_status() : save(args.json, to_json(study));
}

int run(const Arguments& args) {
    const auto scenarios = load_all(args.paths, args.pools);
    if (!scenarios) return kFailed;
    if (args.print) {
        for (const Scenario& scenario : *scenarios) fmt::print("{}", to_toml(scenario));
        return 0;
    }
    if (args.check) {
        fmt::print("{} scenarios are right\n", scenarios->size());
        return 0;
    }
    const Status status = simulate(args, *scenarios);
    if (status.ok()) return 0;
    fmt::print(stderr, "bunch-simulate: {}\n", status.to_string());
    return kFailed;
}

}  // namespace
}  // namespace bunch::simulation

int main(int argc, char** argv) {
    CLI::App app(
        "Runs scenarios in virtual time under bunchd's scheduler and its rivals, and compares them "
        "with the best that the devices allow. A star marks what reaches the figure to beat.");
    bunch::simulation::Arguments args;
    bunch::simulation::declare_options(app, args);
    CLI11_PARSE(app, argc, argv);
    if (!args.pools.empty() && app.count("scenario") == 0) args.paths.clear();
    return bunch::simulation::run(args);
}
