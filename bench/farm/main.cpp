/// bunch-farm: many worker processes with and without the service. What tools/demo runs.

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "bench/farm/farm.h"
#include "bench/farm/report.h"
#include "zoo/zoo.h"

namespace bunch::farm {
namespace {

constexpr int kFailed = 1;

struct Arguments {
    FarmOptions farm;
    std::vector<std::string> phases;
    std::string mode = "both";
    std::string output = "demo-results";
    bool json = false;
    bool only_models = false;
};

void declare_options(CLI::App& app, Arguments& args) {
    std::vector<std::string> names;
    for (const Phase& phase : all_phases()) names.push_back(phase.name);
    app.add_option("--phase", args.phases, "phases to run (default: all)")
        ->check(CLI::IsMember(names));
    app.add_option("--mode", args.mode, "alone, service or both")
        ->check(CLI::IsMember({"alone", "service", "both"}))
        ->capture_default_str();
    app.add_option("--workers", args.farm.workers, "worker processes")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    app.add_option("--models", args.farm.models,
                   "folder of the .onnx files; missing ones are written")
        ->capture_default_str();
    app.add_option("--data", args.farm.data_endpoint, "the daemon's data endpoint");
    app.add_option("--http", args.farm.http_address, "the daemon's HTTP address, host:port");
    app.add_flag("!--no-curves", args.farm.curves, "measure the full number of workers only");
    app.add_option("--time-scale", args.farm.time_scale, "factor on every measured time")
        ->check(CLI::Range(0.05, 100.0))
        ->capture_default_str();
    app.add_option("--seed", args.farm.seed, "of inputs and weights")->capture_default_str();
    app.add_option("--output", args.output, "folder for farm.json and farm.svg")
        ->capture_default_str();
    app.add_flag("--only-models", args.only_models, "write the models that are missing, then stop");
    app.add_flag("--json", args.json, "print the JSON instead of the tables");
}

std::vector<Phase> chosen_phases(const Arguments& args) {
    std::vector<Phase> chosen;
    for (const Phase& phase : all_phases())
        if (args.phases.empty() ||
            std::find(args.phases.begin(), args.phases.end(), phase.name) != args.phases.end())
            chosen.push_back(phase);
    return chosen;
}

Status write_missing_models(const std::vector<Phase>& phases, const FarmOptions& options) {
    std::error_code error;
    std::filesystem::create_directories(options.models, error);
    for (const Phase& phase : phases) {
        const std::string path = options.models + "/" + phase.name + ".onnx";
        if (phase.simulated || std::filesystem::exists(path, error)) continue;
        BUNCH_RETURN_IF_ERROR(write_zoo_model(phase.name, path, options.seed));
    }
    return ok_status();
}

Status save(const std::string& path, const std::string& text) {
    std::ofstream file(path, std::ios::trunc);
    file << text << std::flush;
    if (!file) return unavailable("'" + path + "' cannot be written");
    return ok_status();
}

Status report(const Arguments& args, const std::vector<PhaseResult>& results) {
    std::error_code error;
    std::filesystem::create_directories(args.output, error);
    const std::string json = to_json(results, args.farm.seed);
    BUNCH_RETURN_IF_ERROR(save(args.output + "/farm.json", json));
    BUNCH_RETURN_IF_ERROR(save(args.output + "/farm.svg", to_plot(results)));
    std::cout << (args.json ? json : to_table(results)) << std::flush;
    return ok_status();
}

bool all_right(const std::vector<PhaseResult>& results) {
    bool right = true;
    const auto check = [&right](const Measurement& run) { right = right && run.all_right(); };
    for (const PhaseResult& phase : results) {
        if (phase.alone) check(*phase.alone);
        if (phase.service) check(*phase.service);
        for (const Measurement& run : phase.alone_curve) check(run);
        for (const Measurement& run : phase.service_curve) check(run);
    }
    return right;
}

int fail(const Status& status) {
    fmt::print(stderr, "\nbunch-farm: {}\n", status.to_string());
    return kFailed;
}

int run(Arguments args) {
    args.farm.without_service = args.mode != "service";
    args.farm.with_service = args.mode != "alone";
    const std::vector<Phase> phases = chosen_phases(args);
    if (Status written = write_missing_models(phases, args.farm); !written.ok())
        return fail(written);
    if (args.only_models) return 0;
    std::size_t steps = 0;
    for (const Phase& phase : phases) steps += steps_of(phase, args.farm);
    Progress progress(steps);
    std::vector<PhaseResult> results;
    for (const Phase& phase : phases) {
        auto result = run_phase(phase, args.farm, progress);
        if (!result.ok()) return fail(result.status().with_context("phase " + phase.name));
        results.push_back(std::move(*result));
    }
    if (Status reported = report(args, results); !reported.ok()) return fail(reported);
    if (all_right(results)) return 0;
    fmt::print(stderr, "bunch-farm: some answers were wrong, swapped or missing\n");
    return kFailed;
}

}  // namespace
}  // namespace bunch::farm

int main(int argc, char** argv) {
    CLI::App app("Many worker processes with and without bunchd: speed, latency, right answers.");
    bunch::farm::Arguments args;
    bunch::farm::declare_options(app, args);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    return bunch::farm::run(std::move(args));
}
