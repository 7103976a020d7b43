/// fpga_load: what EMULATED FPGA cards are asked for: `mixed` by tools/demo --fpga, `clients` by
/// bench/paper_fpga.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "bench/farm/report.h"
#include "bench/fpga/mixed_load.h"
#include "bench/fpga/paper_clients.h"

namespace bunch::fpga_bench {
namespace {

struct Arguments {
    ClientsOptions clients;
    MixedOptions mixed;
    std::string output = "demo-results";
    bool only_models = false;
};

Status save(const std::string& folder, const std::string& name, const std::string& text) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    std::ofstream file(folder + "/" + name, std::ios::trunc);
    file << text << std::flush;
    if (!file) return unavailable("'" + folder + "/" + name + "' cannot be written");
    return ok_status();
}

Result<bool> run_clients(const Arguments& args) {
    if (args.only_models) {
        write_paper_model(args.mixed.models);
        return true;
    }
    BUNCH_ASSIGN_OR_RETURN(const farm::PhaseResult result, measure_clients(args.clients));
    std::cout << clients_table(result) << std::flush;
    BUNCH_RETURN_IF_ERROR(
        save(args.output, "paper_fpga.json", farm::to_json({result}, args.clients.seed)));
    BUNCH_RETURN_IF_ERROR(save(args.output, "paper_fpga.svg", clients_plot(result)));
    return std::all_of(result.service_curve.begin(), result.service_curve.end(),
                       [](const farm::Measurement& one) { return one.all_right(); });
}

Result<bool> run_mixed(const Arguments& args) {
    if (args.only_models) {
        BUNCH_RETURN_IF_ERROR(write_mixed_models(args.mixed));
        return true;
    }
    BUNCH_ASSIGN_OR_RETURN(const MixedResult result, measure_mixed(args.mixed));
    std::cout << mixed_table(result) << std::flush;
    BUNCH_RETURN_IF_ERROR(save(args.output, "fpga.json", mixed_json(result)));
    return is_right(result);
}

void declare(CLI::App& app, Arguments& args) {
    app.require_subcommand(1);
    app.fallthrough();  // the options below may stand behind the subcommand
    app.add_option("--models", args.mixed.models, "folder of the models' folders")
        ->capture_default_str();
    app.add_option("--data", args.mixed.data_endpoint, "the daemon's data endpoint");
    app.add_option("--http", args.mixed.http_address, "the daemon's HTTP address, host:port");
    app.add_option("--output", args.output, "folder for results")->capture_default_str();
    app.add_option("--seed", args.mixed.seed, "of inputs and weights")->capture_default_str();
    app.add_flag("--only-models", args.only_models, "write the models, then stop");
    CLI::App* clients =
        app.add_subcommand("clients", "one card of 1.5 ms per image, more and more clients");
    clients->add_option("--clients", args.clients.clients, "numbers of clients")
        ->delimiter(',')
        ->check(CLI::Range(1, 2000));
    clients->add_option("--seconds", args.clients.seconds, "measured for each")
        ->capture_default_str();
    CLI::App* mixed = app.add_subcommand("mixed", "two models on two cards and the CPU");
    mixed->add_option("--workers", args.mixed.workers, "worker processes")
        ->check(CLI::Range(2, 1000))
        ->capture_default_str();
    mixed->add_option("--seconds", args.mixed.seconds, "measured")->capture_default_str();
}

int run(Arguments args, bool clients) {
    args.clients.data_endpoint = args.mixed.data_endpoint;
    args.clients.http_address = args.mixed.http_address;
    args.clients.seed = args.mixed.seed;
    const Result<bool> right = clients ? run_clients(args) : run_mixed(args);
    if (right.ok() && *right) return 0;
    fmt::print(stderr, "fpga_load: {}\n",
               right.ok() ? "some answers were wrong or missing, or a device was not used"
                          : right.status().to_string());
    return 1;
}

}  // namespace
}  // namespace bunch::fpga_bench

int main(int argc, char** argv) {
    CLI::App app("Load for a bunchd with emulated FPGA cards.");
    bunch::fpga_bench::Arguments args;
    bunch::fpga_bench::declare(app, args);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    return bunch::fpga_bench::run(std::move(args), app.got_subcommand("clients"));
}
