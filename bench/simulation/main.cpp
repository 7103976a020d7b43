/// bunch-simulate: scenarios in virtual time, under the project's scheduler and its rivals.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "bench/simulation/arguments.h"
#include "bench/simulation/best_settings.h"
#include "bench/simulation/comparison.h"
#include "bench/simulation/plots.h"
#include "bench/simulation/policies.h"
#include "bench/simulation/random_pool.h"
#include "bench/simulation/report.h"
#include "bench/simulation/scenario_file.h"
#include "bench/simulation/scenario_text.h"
#include "bench/simulation/study.h"
#include "bench/simulation/tuning.h"

namespace bunch::simulation {
namespace {

namespace fs = std::filesystem;

constexpr int kFailed = 1;

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
    for (const std::uint64_t seed : pools) scenarios.push_back(random_pool(seed));
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
    BUNCH_ASSIGN_OR_RETURN(const Study study, run_study(scenarios, options, show_progress));
    fmt::print("{}", to_table(study));
    if (args.details) fmt::print("{}", to_details(study));
    return args.json.empty() ? ok_status() : save(args.json, to_json(study));
}

/// Settings of scenarios that are not tuned now stay in the file.
Status tune_rivals(const Arguments& args, const std::vector<Scenario>& scenarios) {
    std::vector<BestSetting> kept;
    if (fs::exists(args.settings)) {
        BUNCH_ASSIGN_OR_RETURN(kept, load_best_settings(args.settings));
    }
    TuningOptions options;
    options.seed = args.study.first_seed;
    options.threads = args.study.threads;
    if (args.quick) options.resolution = .01;
    BUNCH_ASSIGN_OR_RETURN(const std::vector<BestSetting> found,
                           tune(scenarios, options, show_progress));
    return save(args.settings, to_toml(merged(std::move(kept), found), args.command));
}

Status compare_rivals(const Arguments& args, const std::vector<Scenario>& scenarios) {
    BUNCH_ASSIGN_OR_RETURN(const std::vector<BestSetting> settings,
                           load_best_settings(args.settings));
    ComparisonOptions options;
    options.study = args.study;
    options.curves_of = args.curves;
    BUNCH_ASSIGN_OR_RETURN(const Comparison comparison,
                           compare(scenarios, settings, options, show_progress));
    fmt::print("{}", to_table(comparison));
    const std::string json = to_json(comparison, args.command);
    if (!args.json.empty()) BUNCH_RETURN_IF_ERROR(save(args.json, json));
    if (args.svg.empty()) return ok_status();
    BUNCH_ASSIGN_OR_RETURN(const std::vector<Picture> pictures, pictures_of(json));
    for (const Picture& picture : pictures)
        BUNCH_RETURN_IF_ERROR(save(args.svg + '/' + picture.file, picture.svg));
    return ok_status();
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
    const Status status = args.tune      ? tune_rivals(args, *scenarios)
                          : args.compare ? compare_rivals(args, *scenarios)
                                         : simulate(args, *scenarios);
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
    bunch::simulation::complete(app, argc, argv, args);
    return bunch::simulation::run(args);
}
