/// replay: a trace of a daemon (`bunch trace FILE`) played again, to check its decisions or to see
/// what another policy would have made of the same requests.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "bench/replay/check.h"
#include "bench/replay/scenario_of_trace.h"
#include "bench/simulation/policies.h"
#include "bench/simulation/report.h"
#include "bench/simulation/world.h"

namespace bunch::replay {
namespace {

constexpr int kFailed = 1;
constexpr int kDiffers = 3;

struct Arguments {
    std::string path;
    std::vector<std::string> policies;
    std::uint64_t seed = 1;
};

Result<trace::File> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return unavailable("cannot read " + path);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    auto parsed = trace::parse_file(std::as_bytes(std::span(bytes)));
    if (!parsed.ok()) return invalid_argument(path + ": " + parsed.status().message());
    return parsed;
}

Result<int> check(const trace::File& file) {
    BUNCH_ASSIGN_OR_RETURN(const Check check, check_decisions(file));
    fmt::print("{} events, {} calls of decide(), {} decisions\n", check.events, check.decides,
               check.decisions);
    if (!check.difference) {
        fmt::print("all decisions are equal\n");
        return 0;
    }
    const Difference& first = *check.difference;
    fmt::print(
        "the first difference is event {}, at {:.6f} s: recorded {} decisions ({:016x}), "
        "replayed {} ({:016x}):\n{}",
        first.event, to_seconds(first.at.time_since_epoch()), first.recorded.decisions,
        first.recorded.fingerprint, first.replayed.decisions, first.replayed.fingerprint,
        first.decisions);
    return kDiffers;
}

/// The table and details of bunch-simulate, for the trace as the only scenario.
Result<int> simulate(const trace::File& file, const Arguments& args) {
    using namespace simulation;
    BUNCH_ASSIGN_OR_RETURN(const TracedScenario traced, scenario_of(file));
    for (const std::string& note : traced.notes) fmt::print(stderr, "replay: {}\n", note);
    Study study;
    study.options.first_seed = args.seed;
    study.rows.push_back({traced.scenario, 0, {}});
    StudyRow& row = study.rows.front();
    row.bound = static_cast<double>(row.scenario.recorded.size()) / to_seconds(row.scenario.span);
    row.scenario.title = "requests/s as recorded, no bound";
    for (const std::string& text : args.policies) {
        BUNCH_ASSIGN_OR_RETURN(const PolicyChoice choice, parse_choice(text));
        BUNCH_ASSIGN_OR_RETURN(const PolicyMaker maker, policy_maker(choice));
        const auto policy = maker(args.seed);
        Finding finding;
        finding.run = run_world(row.scenario, *policy, {.rate = 0, .seed = args.seed});
        finding.figure = finding.run.all().part_in_objective();
        study.options.policies.push_back(choice);
        row.cells.emplace_back().findings.push_back(std::move(finding));
    }
    fmt::print("{}{}", to_table(study), to_details(study));
    return 0;
}

int run(const Arguments& args) {
    const auto file = read_file(args.path);
    const auto done = !file.ok()              ? Result<int>(file.status())
                      : args.policies.empty() ? check(*file)
                                              : simulate(*file, args);
    if (done.ok()) return *done;
    fmt::print(stderr, "replay: {}\n", done.status().to_string());
    return kFailed;
}

}  // namespace
}  // namespace bunch::replay

int main(int argc, char** argv) {
    CLI::App app(
        "Plays a trace that 'bunch trace FILE' wrote. Without --policy: whether the scheduler "
        "decides again what it decided then; exit code 3 if not. With it: what the policies make "
        "of the same requests, on devices as the daemon had learnt them.");
    bunch::replay::Arguments args;
    app.add_option("file", args.path, "the trace")->required();
    app.add_option("--policy", args.policies, "NAME or NAME:key=value,..., as bunch-simulate has")
        ->take_all();
    app.add_option("--seed", args.seed, "of the simulation")->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    return bunch::replay::run(args);
}
