#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/server_options.h"
#include "cli/table.h"
#include "client/connection.h"
#include "npy/npy.h"

namespace bunch {
namespace {

struct InferOptions {
    ServerOptions server;
    std::string model;
    std::string version;
    std::string tenant;
    std::vector<std::string> inputs;  ///< name=file.npy
    std::vector<std::string> outputs;
    std::string output_dir = ".";
    bool json = false;
};

Result<Request> read_request(const InferOptions& options) {
    Request request;
    request.model = options.model;
    request.version = options.version;
    request.tenant = options.tenant;
    request.outputs = options.outputs;
    request.timeout = from_seconds(options.server.timeout_seconds);
    for (const std::string& input : options.inputs) {
        const std::size_t equals = input.find('=');
        BUNCH_ASSIGN_OR_RETURN(Tensor tensor, read_npy(input.substr(equals + 1)));
        request.inputs.push_back(
            {input.substr(0, equals), tensor.type, tensor.shape, std::move(tensor.buffer)});
    }
    return request;
}

Result<Response> ask(const InferOptions& options, Request request) {
    BUNCH_ASSIGN_OR_RETURN(const auto connection,
                           Connection::open({.endpoints = {options.server.endpoint}}));
    std::optional<Response> answer;
    const auto id = connection->submit(std::move(request),
                                       [&](Response& response) { answer = std::move(response); });
    if (!id.ok()) return id.status();
    // Ends at the request's deadline at the latest.
    while (!answer) connection->poll(std::chrono::seconds(1));
    if (!answer->status.ok()) return answer->status;
    return std::move(*answer);
}

/// The file for an output: names may hold anything, files may not.
std::string file_for(const InferOptions& options, std::string name) {
    for (char& c : name)
        if (c == '/' || c == '\0') c = '_';
    return (std::filesystem::path(options.output_dir) / (name + ".npy")).string();
}

void write_report(const InferOptions& options, const Response& response, std::ostream& out) {
    if (!options.json) {
        std::vector<std::vector<std::string>> rows;
        for (const NamedTensor& output : response.outputs)
            rows.push_back({output.name, std::string(name_of(output.type)),
                            output.shape.to_string(), file_for(options, output.name)});
        write_table(out, {"OUTPUT", "DATATYPE", "SHAPE", "FILE"}, rows);
        return;
    }
    nlohmann::json object = {{"model", response.model},
                             {"version", response.version},
                             {"device_class", response.device_class},
                             {"precision", response.precision},
                             {"seconds", to_seconds(response.elapsed)},
                             {"outputs", nlohmann::json::array()}};
    for (const NamedTensor& output : response.outputs) {
        nlohmann::json shape = nlohmann::json::array();
        for (const std::int64_t extent : output.shape.extents()) shape.push_back(extent);
        object["outputs"].push_back({{"name", output.name},
                                     {"datatype", name_of(output.type)},
                                     {"shape", shape},
                                     {"file", file_for(options, output.name)}});
    }
    out << object.dump(2) << '\n';
}

Status infer(const InferOptions& options, const Console& console) {
    BUNCH_ASSIGN_OR_RETURN(Request request, read_request(options));
    BUNCH_ASSIGN_OR_RETURN(const Response response, ask(options, std::move(request)));
    std::error_code error;
    std::filesystem::create_directories(options.output_dir, error);
    for (const NamedTensor& output : response.outputs) {
        BUNCH_RETURN_IF_ERROR(write_npy(file_for(options, output.name),
                                        {output.type, output.shape, output.buffer.bytes()}));
    }
    write_report(options, response, console.out);
    return {};
}

std::string must_name_a_file(const std::string& text) {
    const std::size_t equals = text.find('=');
    const bool good = equals != std::string::npos && equals > 0 && equals + 1 < text.size();
    return good ? "" : "'" + text + "' is not of the form name=file.npy";
}

}  // namespace

void add_infer_command(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<InferOptions>();
    CLI::App* command = app.add_subcommand("infer", "Run a model once, on .npy files");
    command->add_option("model", options->model, "The model's name")->required();
    command->add_option("--model-version", options->version, "Its version (default: the newest)");
    command->add_option("--tenant", options->tenant, "On whose account (default: 'default')");
    command->add_option("--input", options->inputs, "name=file.npy, once for each input")
        ->required()
        ->check(CLI::Validator(must_name_a_file, "NAME=FILE"));
    command->add_option("--output", options->outputs, "Only these outputs (default: all)");
    command->add_option("--output-dir", options->output_dir, "Where to write OUTPUT.npy")
        ->capture_default_str();
    options->server.add_to(*command);
    command->add_flag("--json", options->json, "Print JSON");
    command->callback([options, &chosen] {
        chosen = [options](const Console& console) { return infer(*options, console); };
    });
}

}  // namespace bunch
