/// against-simulation: the same scenario in the simulator and with a real daemon, side by side.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/against_simulation/daemon_config.h"
#include "bench/against_simulation/daemon_run.h"
#include "bench/against_simulation/load.h"
#include "bench/simulation/bound.h"
#include "bench/simulation/policies.h"
#include "bench/simulation/scenario_file.h"
#include "bench/simulation/world.h"

namespace bunch::against {
namespace {

namespace fs = std::filesystem;
using namespace simulation;

constexpr int kFailed = 1;
constexpr int kApart = 3;
constexpr double kGoodputApart = 0.10;
constexpr double kSlowestApart = 0.25;

struct Arguments {
    std::vector<std::string> paths;
    std::string daemon;
    std::uint32_t runs = 3;
    std::uint64_t seed = 1;
    double rate = 0;
    bool check = false;
};

/// The figures of one run.
struct Figures {
    double offered = 0;  ///< requests per second
    double goodput = 0;  ///< of them, answered in objective
    double p50 = 0;      ///< milliseconds
    double p99 = 0;
    double rows = 0;  ///< per batch
};

Figures figures_of(const RunResult& run) {
    Figures figures;
    const Ends ends = run.all();
    figures.offered = static_cast<double>(ends.offered) / run.seconds;
    figures.goodput = static_cast<double>(ends.in_objective) / run.seconds;
    figures.p50 = to_seconds(run.latencies().quantile(.5)) * 1e3;
    figures.p99 = to_seconds(run.latencies().quantile(.99)) * 1e3;
    std::uint64_t rows = 0;
    std::uint64_t batches = 0;
    for (const ModelResult& model : run.models) {
        rows += model.rows;
        batches += model.batches;
    }
    if (batches > 0) figures.rows = static_cast<double>(rows) / static_cast<double>(batches);
    return figures;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

Figures median_of(const std::vector<Figures>& runs) {
    const auto of = [&](double Figures::*member) {
        std::vector<double> values;
        for (const Figures& run : runs) values.push_back(run.*member);
        return median(std::move(values));
    };
    return {of(&Figures::offered), of(&Figures::goodput), of(&Figures::p50), of(&Figures::p99),
            of(&Figures::rows)};
}

Result<Figures> simulate(const Scenario& scenario, const LoadOptions& options) {
    BUNCH_ASSIGN_OR_RETURN(const PolicyMaker maker, policy_maker({"bunchd", {}}));
    const auto policy = maker(options.seed);
    return figures_of(run_world(scenario, *policy, {.rate = options.rate, .seed = options.seed}));
}

Result<Figures> measure(const Scenario& scenario, const std::string& program,
                        const LoadOptions& options) {
    BUNCH_ASSIGN_OR_RETURN(const auto daemon, DaemonRun::start(program, scenario));
    BUNCH_ASSIGN_OR_RETURN(const RunResult run, play(scenario, daemon->endpoint(), options));
    BUNCH_ASSIGN_OR_RETURN(const v1::StatusResponse status, daemon->status());
    Figures figures = figures_of(run);
    double rows = 0;
    double batches = 0;
    for (const v1::Model& model : status.models()) {
        rows += static_cast<double>(model.rows());
        batches += static_cast<double>(model.batches());
    }
    figures.rows = batches > 0 ? rows / batches : 0;
    return figures;
}

double apart(double daemon, double simulated) {
    return simulated > 0 ? daemon / simulated - 1 : 0;
}

void print_head() {
    fmt::print("{:<14} {:<46} {:>9} {:>10} {:>9} {:>9} {:>7}\n", "scenario", "", "offered/s",
               "goodput/s", "p50 ms", "p99 ms", "rows/b");
}

void print_line(const std::string& name, const std::string& what, const Figures& figures) {
    fmt::print("{:<14} {:<46} {:>9.0f} {:>10.0f} {:>9.2f} {:>9.2f} {:>7.1f}\n", name, what,
               figures.offered, figures.goodput, figures.p50, figures.p99, figures.rows);
}

/// Prints the comparison; whether both agree.
bool print(const Scenario& scenario, const Figures& simulated, const Figures& real,
           std::size_t runs) {
    const double goodput = apart(real.goodput, simulated.goodput);
    const double slowest = apart(real.p99, simulated.p99);
    const bool agree = std::abs(goodput) <= kGoodputApart && std::abs(slowest) <= kSlowestApart;
    print_line(scenario.name, "simulated: " + scenario.title, simulated);
    print_line("", fmt::format("daemon, median of {}", runs), real);
    fmt::print("{:<14} {:<46} {:>9} {:>+9.1f}% {:>+8.1f}% {:>+8.1f}% {:>+6.1f}%  {}\n", "", "apart",
               "", 100 * goodput, 100 * apart(real.p50, simulated.p50), 100 * slowest,
               100 * apart(real.rows, simulated.rows), agree ? "agree" : "DISAGREE");
    return agree;
}

Result<bool> compare(const Scenario& scenario, const Arguments& args) {
    BUNCH_RETURN_IF_ERROR(check_supported(scenario));
    BUNCH_ASSIGN_OR_RETURN(const double bound, bound_of(scenario));
    const double load = scenario.measure == Measure::tenants ? 1 : scenario.load;
    const LoadOptions options{args.rate > 0 ? args.rate : load * bound, args.seed};
    BUNCH_ASSIGN_OR_RETURN(const Figures simulated, simulate(scenario, options));
    std::vector<Figures> runs;
    for (std::uint32_t run = 0; run < args.runs; ++run) {
        BUNCH_ASSIGN_OR_RETURN(runs.emplace_back(), measure(scenario, args.daemon, options));
        fmt::print(stderr, "against-simulation: {} {} of {}\n", scenario.name, run + 1, args.runs);
    }
    return print(scenario, simulated, median_of(runs), runs.size());
}

std::optional<std::vector<Scenario>> load_all(const std::vector<std::string>& paths) {
    std::vector<Scenario> all;
    for (const std::string& path : paths) {
        ScenarioResult loaded = load_scenarios(path);
        if (const auto* problems = std::get_if<ScenarioProblems>(&loaded)) {
            for (const std::string& problem : *problems)
                fmt::print(stderr, "against-simulation: {}\n", problem);
            return std::nullopt;
        }
        for (Scenario& scenario : std::get<std::vector<Scenario>>(loaded))
            all.push_back(std::move(scenario));
    }
    return all;
}

int run(const Arguments& args) {
    const auto scenarios = load_all(args.paths);
    if (!scenarios) return kFailed;
    bool agree = true;
    print_head();
    for (const Scenario& scenario : *scenarios) {
        const auto compared = compare(scenario, args);
        if (!compared.ok()) {
            fmt::print(stderr, "against-simulation: {}\n", compared.status().to_string());
            return kFailed;
        }
        agree = agree && *compared;
    }
    return args.check && !agree ? kApart : 0;
}

std::string daemon_beside(const char* own) {
    std::error_code error;
    const fs::path path = fs::read_symlink("/proc/self/exe", error);
    return ((error ? fs::path(own) : path).parent_path() / "bunchd").string();
}

}  // namespace
}  // namespace bunch::against

int main(int argc, char** argv) {
    CLI::App app(
        "Runs scenarios in the simulator and with a real daemon, whose devices are simulated by "
        "runner processes, and shows how far both are apart.");
    bunch::against::Arguments args;
    args.daemon = bunch::against::daemon_beside(argv[0]);
    app.add_option("scenario", args.paths, "scenario files")->required();
    app.add_option("--runs", args.runs, "of the daemon; the median counts")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    app.add_option("--seed", args.seed, "of what arrives")->capture_default_str();
    app.add_option("--rate", args.rate,
                   "requests per second (open loop; default: the file's load)");
    app.add_option("--daemon", args.daemon, "the program")->capture_default_str();
    app.add_flag("--check", args.check,
                 "exit code 3 unless goodput agrees within 10 % and p99 within 25 %");
    CLI11_PARSE(app, argc, argv);
    return bunch::against::run(args);
}
