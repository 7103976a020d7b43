#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/table.h"
#include "core/result.h"
#include "zoo/fpga/fpga_models.h"
#include "zoo/zoo.h"

namespace bunch {
namespace {

struct ZooOptions {
    bool json = false;
    std::string name;
    std::string file;
    std::uint64_t seed = 1;
    FpgaZooOptions fpga;
};

Status list_models(const ZooOptions& options, const Console& console) {
    if (options.json) {
        auto list = nlohmann::json::array();
        for (const auto* models : {&zoo_models(), &fpga_zoo_models()})
            for (const ZooModel& model : *models)
                list.push_back({{"name", model.name}, {"summary", model.summary}});
        console.out << list.dump(2) << '\n';
        return {};
    }
    std::vector<std::vector<std::string>> rows;
    for (const auto* models : {&zoo_models(), &fpga_zoo_models()})
        for (const ZooModel& model : *models) rows.push_back({model.name, model.summary});
    write_table(console.out, {"NAME", "WHAT"}, rows);
    return {};
}

Status write_model(const ZooOptions& options, const Console& console) {
    BUNCH_RETURN_IF_ERROR(write_zoo_model(options.name, options.file, options.seed));
    if (options.json) {
        const nlohmann::json done = {
            {"name", options.name}, {"file", options.file}, {"seed", options.seed}};
        console.out << done.dump(2) << '\n';
    } else {
        console.out << options.file << ": " << options.name << " with seed " << options.seed
                    << '\n';
    }
    return {};
}

Status write_fpga_model(const ZooOptions& options, const Console& console) {
    FpgaZooOptions fpga = options.fpga;
    fpga.seed = options.seed;
    BUNCH_ASSIGN_OR_RETURN(const FpgaZooResult result,
                           write_fpga_zoo_model(options.name, options.file, fpga));
    const Deviation& deviation = result.deviation;
    if (options.json) {
        const nlohmann::json done = {{"name", options.name},
                                     {"manifest", result.manifest},
                                     {"seed", options.seed},
                                     {"deviation_rows", deviation.rows},
                                     {"deviation_largest", deviation.largest},
                                     {"deviation_mean", deviation.mean},
                                     {"output_magnitude", deviation.output},
                                     {"max_deviation", result.max_deviation}};
        console.out << done.dump(2) << '\n';
        return {};
    }
    console.out << fmt::format(
        "{}: {} with seed {}\nfixed point against floating point, {} rows: largest difference "
        "{:.2g}, mean {:.2g}, where outputs are {:.2g} on average; stated as max_deviation: "
        "{:.2g}\n",
        result.manifest, options.name, options.seed, deviation.rows, deviation.largest,
        deviation.mean, deviation.output, result.max_deviation);
    return {};
}

}  // namespace

void add_zoo_command(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<ZooOptions>();
    CLI::App* zoo =
        app.add_subcommand("zoo", "Representative models: ONNX files, and folders for FPGAs");
    zoo->require_subcommand(1);

    CLI::App* list = zoo->add_subcommand("list", "The models that can be written");
    list->add_flag("--json", options->json, "Print JSON");
    list->callback([options, &chosen] {
        chosen = [options](const Console& console) { return list_models(*options, console); };
    });

    CLI::App* write = zoo->add_subcommand("write", "Write a model with seeded weights");
    write->add_option("name", options->name, "Which model, see 'bunch zoo list'")->required();
    write->add_option("file", options->file, "Where to")->required();
    write->add_option("--seed", options->seed, "Seed of the weights")->capture_default_str();
    write->add_flag("--json", options->json, "Print JSON");
    write->callback([options, &chosen] {
        chosen = [options](const Console& console) { return write_model(*options, console); };
    });

    CLI::App* fpga = zoo->add_subcommand(
        "fpga", "Write the folder of an FPGA model for an emulated card, with its float twin");
    fpga->add_option("name", options->name, "Which model, see 'bunch zoo list'")->required();
    fpga->add_option("folder", options->file, "Where to")->required();
    fpga->add_option("--seed", options->seed, "Seed of the weights")->capture_default_str();
    fpga->add_option("--units", options->fpga.units, "Compute units")->capture_default_str();
    fpga->add_flag("--rtl", options->fpga.rtl, "The card runs the RTL, not the C++ model");
    fpga->add_flag("--json", options->json, "Print JSON");
    fpga->callback([options, &chosen] {
        chosen = [options](const Console& console) { return write_fpga_model(*options, console); };
    });
}

}  // namespace bunch
