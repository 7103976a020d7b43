#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/table.h"
#include "core/result.h"

#include "zoo/zoo.h"

namespace bunch {
namespace {

struct ZooOptions {
    bool json = false;
    std::string name;
    std::string file;
    std::uint64_t seed = 1;
};

Status list_models(const ZooOptions& options, const Console& console) {
    if (options.json) {
        auto list = nlohmann::json::array();
        for (const ZooModel& model : zoo_models())
            list.push_back({{"name", model.name}, {"summary", model.summary}});
        console.out << list.dump(2) << '\n';
        return {};
    }
    std::vector<std::vector<std::string>> rows;
    for (const ZooModel& model : zoo_models()) rows.push_back({model.name, model.summary});
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

}  // namespace

void add_zoo_command(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<ZooOptions>();
    CLI::App* zoo = app.add_subcommand("zoo", "Representative models as ONNX files");
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
}

}  // namespace bunch
