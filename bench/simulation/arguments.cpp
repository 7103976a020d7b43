#include "bench/simulation/arguments.h"

#include <filesystem>

#include "bench/simulation/random_pool.h"

namespace bunch::simulation {
namespace {

void declare_subjects(CLI::App& app, Arguments& args) {
    app.add_option("scenario", args.paths, "scenario files, or folders of them")
        ->capture_default_str();
    app.add_option(
           "--random-pool", args.pools,
           "pools drawn with these seeds (1,2,3), in place of scenario files or beside those "
           "named")
        ->delimiter(',')
        ->allow_extra_args(false);
    app.add_option("--policy", args.policies,
                   "NAME or NAME:key=value,...; may be given several times")
        ->allow_extra_args(false)
        ->capture_default_str();
}

void declare_runs(CLI::App& app, Arguments& args) {
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
}

void declare_tasks(CLI::App& app, Arguments& args) {
    auto* check =
        app.add_flag("--check", args.check, "only say whether the scenario files are right");
    auto* print =
        app.add_flag("--print", args.print, "only print the scenarios as files have them");
    auto* tune = app.add_flag("--tune", args.tune,
                              "find the best settings of all rivals and write them to --settings");
    auto* compare =
        app.add_flag("--compare", args.compare, "bunchd against all rivals at their best settings");
    for (auto* one : {print, tune, compare}) one->excludes(check);
    for (auto* one : {tune, compare}) one->excludes(print);
    compare->excludes(tune);
    app.add_option("--settings", args.settings, "the file of best settings")->capture_default_str();
    app.add_option("--curves", args.curves,
                   "with --compare: scenarios whose latency is measured at ten loads")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->capture_default_str();
}

void declare_output(CLI::App& app, Arguments& args) {
    app.add_flag("--details", args.details, "also models, tenants and classes of the first seed");
    app.add_option("--json", args.json, "write everything to this file");
    app.add_option("--svg", args.svg, "with --compare: write pictures to this folder");
}

}  // namespace

void declare_options(CLI::App& app, Arguments& args) {
    declare_subjects(app, args);
    declare_runs(app, args);
    declare_tasks(app, args);
    declare_output(app, args);
}

void complete(const CLI::App& app, int argc, const char* const* argv, Arguments& args) {
    const bool names_files = app.count("scenario") > 0;
    if (!args.pools.empty() && !names_files) args.paths.clear();
    if ((args.tune || args.compare) && args.pools.empty() && !names_files)
        for (std::uint64_t seed = 1; seed <= kRandomPools; ++seed) args.pools.push_back(seed);
    if (args.quick) {
        args.study.seeds = 1;
        args.study.resolution = .01;
    }
    args.command = std::filesystem::path(argv[0]).filename().string();
    for (int i = 1; i < argc; ++i) args.command += ' ' + std::string(argv[i]);
}

}  // namespace bunch::simulation
