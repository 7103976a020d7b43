#include <memory>

#include "cli/bench_processes.h"
#include "cli/bench_report.h"
#include "cli/commands.h"
#include "cli/server_options.h"

namespace bunch {
namespace {

struct BenchOptions {
    ServerOptions server;
    BenchPlan plan;
    std::uint64_t requests = 0;
    double duration_seconds = 5;
    double warmup_seconds = 1;
    std::vector<std::string> lengths;
    bool json = false;
};

/// What is left to find out before the processes start.
Status complete(BenchOptions& options) {
    inference::ModelMetadataRequest request;
    request.set_name(options.plan.model);
    request.set_version(options.plan.version);
    inference::ModelMetadataResponse metadata;
    BUNCH_RETURN_IF_ERROR(options.server.call(ControlMethod::model_metadata, request, metadata));
    BenchPlan& plan = options.plan;
    for (const std::string& text : options.lengths) {
        BUNCH_ASSIGN_OR_RETURN(plan.lengths.ranges.emplace_back(), parse_lengths(text));
    }
    BUNCH_ASSIGN_OR_RETURN(plan.signature, signature_of(metadata, plan.lengths));
    if (!plan.signature.batched && plan.rows != 1) {
        return invalid_argument("model '" + plan.model + "' does not batch: use --rows 1");
    }
    plan.endpoint = options.server.endpoint;
    plan.timeout = from_seconds(options.server.timeout_seconds);
    plan.warmup = from_seconds(options.warmup_seconds);
    plan.duration = from_seconds(options.duration_seconds);
    plan.requests = (options.requests + plan.processes - 1) / plan.processes;
    return {};
}

Status bench(BenchOptions& options, const Console& console) {
    BUNCH_RETURN_IF_ERROR(complete(options));
    std::optional<v1::StatusResponse> before;
    std::optional<v1::StatusResponse> after;
    const auto ask = [&](std::optional<v1::StatusResponse>& status) {
        v1::StatusResponse answer;
        // A server that does not tell is measured from outside only.
        if (options.server.call(ControlMethod::status, v1::StatusRequest(), answer).ok())
            status = std::move(answer);
    };
    BUNCH_ASSIGN_OR_RETURN(const BenchResult result,
                           run_bench(options.plan, {[&] { ask(before); }, [&] { ask(after); }}));
    const DaemonView daemon = daemon_view(before, after, options.plan.model);
    if (options.json) {
        write_bench_json(options.plan, result, daemon, console.out);
    } else {
        write_bench_text(options.plan, result, daemon, console.out);
    }
    if (result.counts.latencies.count() == 0)
        return unavailable("no request was answered with success");
    if (result.counts.mismatches > 0) return Status(StatusCode::data_loss, "answers were wrong");
    return {};
}

}  // namespace

void add_bench_command(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<BenchOptions>();
    BenchPlan& plan = options->plan;
    CLI::App* command = app.add_subcommand(
        "bench", "Closed loop: processes that keep requests in flight, and what they see");
    command->add_option("model", plan.model, "The model's name")->required();
    command->add_option("--model-version", plan.version, "Its version (default: the newest)");
    command->add_option("--tenant", plan.tenant, "On whose account (default: 'default')");
    command->add_option("--processes", plan.processes, "Client processes")
        ->check(CLI::Range(1, 1024))
        ->capture_default_str();
    command->add_option("--concurrency", plan.concurrency, "Requests in flight, of each process")
        ->check(CLI::Range(1, 32768))
        ->capture_default_str();
    command->add_option("--rows", plan.rows, "Rows of a request")
        ->check(CLI::Range(1, 1 << 24))
        ->capture_default_str();
    command
        ->add_option("--length", options->lengths,
                     "Length of requests in an open extent, drawn for each one in flight: "
                     "particles=8..50, or points,features=8..50 for inputs of equal length")
        ->allow_extra_args(false);
    command
        ->add_option("--without", plan.lengths.without,
                     "An input that is not sent: a mask that the daemon makes")
        ->allow_extra_args(false);
    CLI::Option* duration =
        command->add_option("--duration", options->duration_seconds, "Seconds to measure")
            ->check(CLI::Range(0.001, 86400.0))
            ->capture_default_str();
    command->add_option("--requests", options->requests, "Requests to measure, of all processes")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40))
        ->excludes(duration);
    command->add_option("--warmup", options->warmup_seconds, "Seconds before the measurement")
        ->check(CLI::Range(0.0, 3600.0))
        ->capture_default_str();
    command->add_option("--seed", plan.seed, "Seed of the inputs")->capture_default_str();
    command->add_flag("--check", plan.check,
                      "Compare answers: the same input gives the same output, and an output called "
                      "'echo' is the input");
    command->add_option("--tolerance", plan.tolerance, "Allowed deviation, relative to the output")
        ->check(CLI::Range(0.0, 1.0))
        ->capture_default_str();
    options->server.add_to(*command);
    command->add_flag("--json", options->json, "Print JSON");
    command->callback([options, &chosen] {
        chosen = [options](const Console& console) { return bench(*options, console); };
    });
}

}  // namespace bunch
