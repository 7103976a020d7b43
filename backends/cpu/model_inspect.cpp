// `bunch model inspect`: operators, tensors, and how each layer would run.
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "backends/cpu/model_commands.h"
#include "backends/cpu/slow_layers.h"

namespace bunch::cpu {
namespace {

using nlohmann::json;

json tensors_of(const std::vector<TensorSpec>& tensors) {
    json list = json::array();
    for (const TensorSpec& tensor : tensors)
        list.push_back({{"name", tensor.name},
                        {"type", name_of(tensor.type)},
                        {"shape", tensor.shape.extents()}});
    return list;
}

json plans_of(const Program& program) {
    json plans = json::array();
    for (const Plan& plan : program.plans()) {
        json steps = json::array();
        for (const Step& step : plan.steps) steps.push_back(description_of(step));
        plans.push_back({{"rows", plan.rows},
                         {"any_rows", plan.any_rows},
                         {"arena_bytes", plan.arena_bytes},
                         {"scratch_bytes", plan.scratch_bytes},
                         {"steps", steps}});
    }
    return plans;
}

// One run tells what every node makes, and with whose code.
Result<json> nodes_of(const CpuModel& model, const ModelArguments& arguments) {
    ModelBatch batch;
    BUNCH_RETURN_IF_ERROR(make_batch(model.signature(), 1, arguments.length, batch));
    BUNCH_ASSIGN_OR_RETURN(const auto interpreter,
                           Interpreter::prepare(model.operators(), model.interpreter_options()));
    json nodes = json::array();
    interpreter->observe([&](const Interpreter::NodeRun& run) {
        json shapes = json::array();
        for (const kernels::Held& output : run.outputs)
            shapes.push_back(std::string(name_of(output.view.type)) +
                             output.view.shape.to_string());
        nodes.push_back({{"node", run.node.spec.label},
                         {"outputs", shapes},
                         {"implementation", run.implementation}});
    });
    BUNCH_RETURN_IF_ERROR(interpreter->run(batch.input_views).status());
    return json{{"nodes", nodes}, {"peak_bytes", interpreter->peak_bytes()}};
}

Result<json> description_of(const CpuModel& model, const ModelArguments& arguments) {
    std::map<std::string, int> operators;
    for (const OperatorNode& node : model.operators().nodes) ++operators[node.spec.type];
    json all = {{"file", arguments.file},
                {"inputs", tensors_of(model.signature().inputs)},
                {"outputs", tensors_of(model.signature().outputs)},
                {"batched", model.signature().batched},
                {"operators", operators},
                {"not_finite", model.operators().not_finite}};
    if (const Program* program = model.program()) {
        all["plans"] = plans_of(*program);
        all["weight_bytes"] = program->weight_bytes();
        all["lane_bytes"] = program->session_bytes();
        all["slow_layers"] = slow_layers(*program);
        return all;
    }
    all["why_not_planned"] = model.why_not_planned();
    all["why_not_batched"] = model.why_not_batched();
    BUNCH_ASSIGN_OR_RETURN(const json run, nodes_of(model, arguments));
    all.update(run);
    return all;
}

void print(const CpuModel& model, const json& all) {
    for (const TensorSpec& tensor : model.signature().inputs)
        std::printf("input   %-24s %s\n", tensor.name.c_str(), text_of(tensor).c_str());
    for (const TensorSpec& tensor : model.signature().outputs)
        std::printf("output  %-24s %s\n", tensor.name.c_str(), text_of(tensor).c_str());
    std::printf("operators:");
    for (const auto& [type, count] : all["operators"].items())
        std::printf(" %s %d", type.c_str(), count.get<int>());
    std::printf("\n");
    for (const auto& tensor : all["not_finite"])
        std::printf("warning: tensor '%s' holds numbers that are not finite\n",
                    tensor.get<std::string>().c_str());
    if (all.contains("slow_layers"))
        for (const auto& layer : all["slow_layers"])
            std::printf("warning: slow reference implementation: %s\n",
                        layer.get<std::string>().c_str());
    if (!model.why_not_batched().empty())
        std::printf("runs one call at a time: %s\n", model.why_not_batched().c_str());
    if (all.contains("plans")) {
        std::printf("planned; weights %zu KiB, each lane %zu KiB\n",
                    all["weight_bytes"].get<std::size_t>() / 1024,
                    all["lane_bytes"].get<std::size_t>() / 1024);
        for (const auto& plan : all["plans"]) {
            std::printf(
                "plan for %s rows: arena %zu KiB, scratch %zu KiB\n",
                plan["any_rows"].get<bool>() ? "any number of" : plan["rows"].dump().c_str(),
                plan["arena_bytes"].get<std::size_t>() / 1024,
                plan["scratch_bytes"].get<std::size_t>() / 1024);
            for (const auto& step : plan["steps"])
                std::printf("    %s\n", step.get<std::string>().c_str());
        }
        return;
    }
    std::printf("node by node: %s\nmemory for one row: %zu KiB\n", model.why_not_planned().c_str(),
                all["peak_bytes"].get<std::size_t>() / 1024);
    for (const auto& node : all["nodes"])
        std::printf("    %-48s %-28s %s\n", node["node"].get<std::string>().c_str(),
                    node["outputs"].empty() ? "" : node["outputs"][0].get<std::string>().c_str(),
                    node["implementation"].get<std::string>().c_str());
}

}  // namespace

Status inspect_model(const ModelArguments& arguments) {
    BUNCH_ASSIGN_OR_RETURN(const auto model, load_for(arguments, arguments.batches[0]));
    BUNCH_ASSIGN_OR_RETURN(const json all, description_of(*model, arguments));
    if (arguments.json)
        std::printf("%s\n", all.dump(2).c_str());
    else
        print(*model, all);
    return ok_status();
}

}  // namespace bunch::cpu
