#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/server_options.h"
#include "cli/table.h"
#include "core/result.h"
#include "protocol/kserve_v2.pb.h"

namespace bunch {
namespace {

using Index = inference::RepositoryIndexResponse::ModelIndex;
using Metadata = inference::ModelMetadataResponse;
using nlohmann::json;

struct Entry {
    Index index;
    Metadata metadata;  ///< empty unless the model is ready
};

Result<std::vector<Entry>> read_models(const ServerOptions& server) {
    inference::RepositoryIndexResponse index;
    BUNCH_RETURN_IF_ERROR(
        server.call(ControlMethod::repository_index, inference::RepositoryIndexRequest(), index));
    std::vector<Entry> entries;
    for (const Index& model : index.models()) {
        Entry& entry = entries.emplace_back();
        entry.index = model;
        inference::ModelMetadataRequest request;
        request.set_name(model.name());
        request.set_version(model.version());
        if (model.state() == "READY")
            BUNCH_RETURN_IF_ERROR(
                server.call(ControlMethod::model_metadata, request, entry.metadata));
    }
    return entries;
}

template <typename Tensors>
std::string text_of(const Tensors& tensors) {
    std::string text;
    for (const auto& tensor : tensors) {
        if (!text.empty()) text += ", ";
        text += tensor.name() + " " + tensor.datatype() + "[";
        for (int i = 0; i < tensor.shape_size(); ++i)
            text += (i > 0 ? "," : "") + std::to_string(tensor.shape(i));
        text += "]";
    }
    return text;
}

template <typename Tensors>
json json_of(const Tensors& tensors) {
    json list = json::array();
    for (const auto& tensor : tensors) {
        json shape = json::array();
        for (const std::int64_t extent : tensor.shape()) shape.push_back(extent);
        list.push_back(
            {{"name", tensor.name()}, {"datatype", tensor.datatype()}, {"shape", shape}});
    }
    return list;
}

void write_json(const std::vector<Entry>& entries, std::ostream& out) {
    json list = json::array();
    for (const Entry& entry : entries) {
        list.push_back({{"name", entry.index.name()},
                        {"version", entry.index.version()},
                        {"state", entry.index.state()},
                        {"reason", entry.index.reason()},
                        {"platform", entry.metadata.platform()},
                        {"inputs", json_of(entry.metadata.inputs())},
                        {"outputs", json_of(entry.metadata.outputs())}});
    }
    out << list.dump(2) << '\n';
}

void write_text(const std::vector<Entry>& entries, std::ostream& out) {
    std::vector<std::vector<std::string>> rows;
    for (const Entry& entry : entries) {
        rows.push_back({entry.index.name(), entry.index.version(), entry.index.state(),
                        text_of(entry.metadata.inputs()), text_of(entry.metadata.outputs()),
                        entry.index.reason()});
    }
    write_table(out, {"MODEL", "VERSION", "STATE", "INPUTS", "OUTPUTS", "REASON"}, rows);
}

}  // namespace

void add_models_command(CLI::App& app, Action& chosen) {
    struct Options {
        ServerOptions server;
        bool json = false;
    };
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand("models", "The models, their inputs and outputs");
    options->server.add_to(*command);
    command->add_flag("--json", options->json, "Print JSON");
    command->callback([options, &chosen] {
        chosen = [options](const Console& console) -> Status {
            BUNCH_ASSIGN_OR_RETURN(const auto entries, read_models(options->server));
            options->json ? write_json(entries, console.out) : write_text(entries, console.out);
            return {};
        };
    });
}

}  // namespace bunch
