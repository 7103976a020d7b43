#include "muon/run_folder.h"

#include <algorithm>
#include <cmath>

#include "muon/quantised/onnx_file.h"
#include "muon/records.h"
#include "muon/sample_file.h"

namespace bunch::muon {
namespace {

using nlohmann::json;

constexpr std::size_t kMostWidth = 4096;

json network_json(const TrainedRun& run) {
    json layers = json::array();
    for (const Dense& layer : run.model.network.layers)
        layers.push_back({{"inputs", layer.inputs},
                          {"outputs", layer.outputs},
                          {"weights", layer.weights},
                          {"biases", layer.biases}});
    json made = {
        {"task", name_of(run.task)}, {"encoding", name_of(run.encoding)}, {"layers", layers}};
    if (run.model.plan)
        made["plan"] = {{"weight_bits", run.model.plan->weight_bits},
                        {"last_weight_bits", run.model.plan->last_weight_bits},
                        {"activation_bits", run.model.plan->activation_bits},
                        {"activation_exponents", run.model.plan->activation_exponents}};
    return made;
}

std::string network_text(const TrainedRun& run) {
    return network_json(run).dump() + "\n";
}

json curve_json(const std::vector<EpochRecord>& curve) {
    json list = json::array();
    for (const EpochRecord& record : curve)
        list.push_back({{"epoch", record.epoch},
                        {"training_loss", record.training_loss},
                        {"validation_loss", record.validation_loss},
                        {"sparsity", record.sparsity}});
    return list;
}

/// Throws json::exception for missing keys and wrong types.
std::vector<EpochRecord> read_curve(const json& from) {
    std::vector<EpochRecord> curve;
    for (const json& entry : from)
        curve.push_back(
            {entry.at("epoch").get<std::size_t>(), entry.at("training_loss").get<double>(),
             entry.at("validation_loss").get<double>(), entry.at("sparsity").get<double>()});
    return curve;
}

bool all_finite(const std::vector<float>& numbers) {
    return std::all_of(numbers.begin(), numbers.end(), [](float x) { return std::isfinite(x); });
}

/// Throws json::exception for missing keys and wrong types.
Status read_layers(const json& from, TrainedRun& run) {
    std::size_t width = input_count(run.task, run.encoding);
    for (const json& entry : from.at("layers")) {
        Dense layer{entry.at("inputs").get<std::size_t>(), entry.at("outputs").get<std::size_t>(),
                    entry.at("weights").get<std::vector<float>>(),
                    entry.at("biases").get<std::vector<float>>()};
        if (layer.inputs != width || layer.outputs == 0 || layer.outputs > kMostWidth ||
            layer.weights.size() != layer.inputs * layer.outputs ||
            layer.biases.size() != layer.outputs || !all_finite(layer.weights) ||
            !all_finite(layer.biases))
            return invalid_argument("layer " + std::to_string(run.model.network.layers.size()) +
                                    " has other sizes than it says, or numbers that are none");
        width = layer.outputs;
        run.model.network.layers.push_back(std::move(layer));
    }
    if (run.model.network.layers.empty() || width != output_count(run.task))
        return invalid_argument("its last layer does not fit the task");
    return ok_status();
}

Status read_plan(const json& from, TrainedRun& run) {
    if (!from.contains("plan")) return ok_status();
    const json& plan = from.at("plan");
    QuantisationPlan made;
    made.weight_bits = plan.at("weight_bits").get<int>();
    made.last_weight_bits = plan.at("last_weight_bits").get<int>();
    made.activation_bits = plan.at("activation_bits").get<int>();
    made.activation_exponents = plan.at("activation_exponents").get<std::vector<int>>();
    for (const int exponent : made.activation_exponents)
        if (std::abs(exponent) > 24) return invalid_argument("an activation's scale is absurd");
    if (made.activation_exponents.size() + 1 != run.model.network.layers.size())
        return invalid_argument("it has not one scale for each hidden layer");
    BUNCH_RETURN_IF_ERROR(check(made));
    run.model.plan = made;
    return ok_status();
}

}  // namespace

Result<TrainedRun> parse_network(const std::string& text) {
    TrainedRun run;
    try {
        const json from = json::parse(text);
        const auto task = task_named(from.at("task").get<std::string>());
        const auto encoding = encoding_named(from.at("encoding").get<std::string>());
        if (!task || !encoding) return invalid_argument("its task or encoding is not known");
        run.task = *task;
        run.encoding = *encoding;
        BUNCH_RETURN_IF_ERROR(read_layers(from, run));
        BUNCH_RETURN_IF_ERROR(read_plan(from, run));
    } catch (const json::exception& error) {
        return invalid_argument(error.what());
    }
    return run;
}

std::string identity_of(const TrainedRun& run) {
    return hash_of(network_text(run));
}

Status write_run(const std::string& folder, const TrainedRun& run) {
    for (const char* of_older : {"/run.json", "/evaluate.json"})
        BUNCH_RETURN_IF_ERROR(remove_record(folder + of_older));
    BUNCH_RETURN_IF_ERROR(write_text(folder + "/network.json", network_text(run)));
    const json record = {
        {"settings", run.settings}, {"results", run.results}, {"curve", curve_json(run.curve)}};
    return write_text(folder + "/run.json", record.dump(2) + "\n");
}

Result<TrainedRun> read_run(const std::string& folder) {
    const std::string path = folder + "/network.json", record_path = folder + "/run.json";
    BUNCH_ASSIGN_OR_RETURN(const std::string text, read_text(path));
    BUNCH_ASSIGN_OR_RETURN(const std::string record, read_text(record_path));
    Result<TrainedRun> run = parse_network(text);
    if (!run.ok())
        return run.status().with_context("'" + path + "' is no network of 'bunch-muon train'");
    try {
        const json parsed = json::parse(record);
        run->settings = parsed.at("settings");
        run->results = parsed.at("results");
        run->curve = read_curve(parsed.at("curve"));
    } catch (const json::exception&) {
        return invalid_argument("'" + record_path + "' is no record of 'bunch-muon train'");
    }
    return run;
}

}  // namespace bunch::muon
