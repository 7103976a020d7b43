#include "backends/cpu/interpreter.h"

#include <optional>
#include <utility>

#include "backends/cpu/fast_kernels.h"
#include "backends/cpu/fused_nodes.h"
#include "backends/kernels/registry.h"

namespace bunch::cpu {

Result<std::unique_ptr<Interpreter>> Interpreter::prepare(const OperatorGraph& graph,
                                                          const InterpreterOptions& options) {
    std::unique_ptr<Interpreter> made(new Interpreter(graph, options));
    for (std::size_t i = 0; i < graph.values.size(); ++i)
        if (const auto& constant = graph.values[i].constant)
            made->values_[i] = {constant->view(), constant};
    made->uses_ = count_uses(graph);
    BUNCH_RETURN_IF_ERROR(made->prepare_nodes(graph.nodes, options, made->steps_));
    made->find_last_uses();
    return made;
}

Result<Interpreter::Step> Interpreter::prepare_node(const OperatorNode& node,
                                                    const InterpreterOptions& options) {
    Step step;
    step.node = &node;
    if (node.branches.empty()) {
        std::vector<bool> constant;
        for (const auto& id : node.inputs)
            constant.push_back(id && graph_.at(*id).constant != nullptr);
        BUNCH_ASSIGN_OR_RETURN(step.kernel, options.fast ? make_fast_kernel(node.spec, constant)
                                                         : kernels::make_kernel(node.spec));
    }
    for (const OperatorBranch& branch : node.branches) {
        step.branches.emplace_back();
        BUNCH_RETURN_IF_ERROR(prepare_nodes(branch.nodes, options, step.branches.back()));
    }
    return step;
}

Status Interpreter::prepare_nodes(std::span<const OperatorNode> nodes,
                                  const InterpreterOptions& options, std::vector<Step>& steps) {
    while (!nodes.empty()) {
        // The kernel of each node is made even if it is not used: it checks the node.
        BUNCH_ASSIGN_OR_RETURN(Step step, prepare_node(nodes[0], options));
        std::size_t taken = 1;
        if (options.fast && options.fused)
            if (std::optional<FusedNodes> fused = fuse_nodes(graph_, nodes, uses_)) {
                for (std::size_t i = 1; i < fused->count; ++i)
                    BUNCH_RETURN_IF_ERROR(prepare_node(nodes[i], options).status());
                fused_.push_back(std::move(fused->node));
                step.node = &fused_.back();
                step.kernel = std::move(fused->kernel);
                taken = fused->count;
            }
        steps.push_back(std::move(step));
        nodes = nodes.subspan(taken);
    }
    return ok_status();
}

namespace {

// All values that `node` reads, in its branches too.
void for_each_read(const OperatorNode& node, const std::function<void(ValueId)>& f) {
    for (const auto& id : node.inputs)
        if (id) f(*id);
    for (const OperatorBranch& branch : node.branches) {
        for (const OperatorNode& inner : branch.nodes) for_each_read(inner, f);
        for (const ValueId id : branch.results) f(id);
    }
}

}  // namespace

// What a branch computes is let go with its If.
void Interpreter::find_last_uses() {
    std::vector<bool> kept(graph_.values.size(), false);
    for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = graph_.values[i].constant != nullptr;
    for (const ValueId id : graph_.outputs) kept[id.value] = true;
    for (std::size_t i = steps_.size(); i-- > 0;) {
        const auto let_go = [&](ValueId id) {
            if (kept[id.value]) return;
            kept[id.value] = true;
            steps_[i].done.push_back(id);
        };
        for_each_read(*steps_[i].node, let_go);
        for (const OperatorBranch& branch : steps_[i].node->branches)
            for (const OperatorNode& node : branch.nodes)
                for (const auto& id : node.outputs)
                    if (id) let_go(*id);
        for (const auto& id : steps_[i].node->outputs)
            if (id) let_go(*id);
    }
}

Status Interpreter::check_input(const OperatorInput& input, const ConstTensorView& given) const {
    const auto bytes = byte_size(given.type, given.shape);
    if (given.type == input.type && input.shape.admits(given.shape) && bytes == given.bytes.size())
        return ok_status();
    return invalid_argument("tensor '" + graph_.at(input.value).name + "' is " +
                            std::string(name_of(given.type)) + given.shape.to_string() +
                            "; the model has " + std::string(name_of(input.type)) +
                            input.shape.to_string());
}

Status Interpreter::run_step(const Step& step) {
    std::vector<const kernels::Held*> inputs;
    for (const auto& id : step.node->inputs) inputs.push_back(id ? &values_[id->value] : nullptr);
    kernels::Run run(step.node->spec, inputs, memory_);
    const TimePoint begin = observer_ ? now() : TimePoint();
    BUNCH_RETURN_IF_ERROR(step.kernel(run));
    if (observer_) observer_({*step.node, now() - begin, run.results(), run.implementation()});
    for (std::size_t i = 0; i < step.node->outputs.size(); ++i)
        if (const auto& id = step.node->outputs[i])
            values_[id->value] = std::move(run.results()[i]);
    return ok_status();
}

Status Interpreter::run_if(const Step& step) {
    const ConstTensorView& condition = values_[step.node->inputs[0]->value].view;
    if (condition.type != DataType::boolean || condition.bytes.size() != 1)
        return invalid_argument(step.node->spec.label + " has a condition that is no BOOL");
    const std::size_t taken = condition.bytes[0] != std::byte{0} ? 0 : 1;
    BUNCH_RETURN_IF_ERROR(run_steps(step.branches[taken]));
    const OperatorBranch& branch = step.node->branches[taken];
    for (std::size_t i = 0; i < step.node->outputs.size(); ++i)
        if (const auto& id = step.node->outputs[i])
            values_[id->value] = values_[branch.results[i].value];
    return ok_status();
}

Status Interpreter::run_steps(std::span<const Step> steps) {
    for (const Step& step : steps) {
        BUNCH_RETURN_IF_ERROR(step.branches.empty() ? run_step(step) : run_if(step));
        for (const ValueId id : step.done) values_[id.value] = {};
    }
    return ok_status();
}

Result<std::vector<kernels::Held>> Interpreter::run(std::span<const ConstTensorView> inputs) {
    if (inputs.size() != graph_.inputs.size())
        return invalid_argument("a batch has " + std::to_string(inputs.size()) +
                                " inputs; the model has " + std::to_string(graph_.inputs.size()));
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        BUNCH_RETURN_IF_ERROR(check_input(graph_.inputs[i], inputs[i]));
        values_[graph_.inputs[i].value.value] = {inputs[i], nullptr};
    }
    const Status status = run_steps(steps_);
    std::vector<kernels::Held> outputs;
    for (const ValueId id : graph_.outputs) outputs.push_back(values_[id.value]);
    for (std::size_t i = 0; i < values_.size(); ++i)
        if (graph_.values[i].constant == nullptr) values_[i] = {};
    if (!status.ok()) return status;
    return outputs;
}

}  // namespace bunch::cpu
