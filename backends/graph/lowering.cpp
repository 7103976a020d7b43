#include "backends/graph/lowering.h"

#include <array>
#include <utility>
#include <vector>

#include "backends/graph/onnx_grids.h"
#include "backends/graph/onnx_node.h"
#include "backends/graph/partial_shapes.h"
#include "backends/graph/shape_inference.h"

namespace bunch {
namespace {

const OperatorReader* find_reader(const kernels::NodeSpec& spec) {
    if (!spec.domain.empty()) return nullptr;
    const std::array families = {layer_readers(), pointwise_readers(), pool_readers(),
                                 layout_readers()};
    for (const auto& family : families)
        for (const OperatorReader& reader : family)
            if (reader.type == spec.type) return &reader;
    return nullptr;
}

// The elements of `tensor` without a copy: the buffer holds a share of it.
Tensor shared(const std::shared_ptr<const Tensor>& tensor) {
    const auto bytes = tensor->buffer.bytes();
    if (bytes.size() <= Buffer::kInline)
        return {tensor->type, tensor->shape, Buffer::copy_of(bytes)};
    auto* share = new std::shared_ptr<const Tensor>(tensor);
    const auto release = [](void* context) {
        delete static_cast<std::shared_ptr<const Tensor>*>(context);
    };
    // Graph never writes to a constant; Buffer has no form for that.
    const std::span<std::byte> held(const_cast<std::byte*>(bytes.data()), bytes.size());
    return {tensor->type, tensor->shape, Buffer::hold(held, release, share)};
}

class Lowering {
  public:
    Lowering(const OperatorGraph& operators, bool grids)
        : operators_(operators),
          takes_grids_(grids),
          ids_(operators.values.size()),
          integers_(operators.values.size()),
          partial_(operators) {}

    Result<Graph> run() &&;

  private:
    Status add_inputs();
    Status add_node(const OperatorNode& node);
    Status add_quantise(const OperatorNode& node);
    Status add_dequantise(const OperatorNode& node);
    Status append(Node node, ValueId output);
    Status add_outputs();
    ValueId known(ValueId id);

    const OperatorGraph& operators_;
    const bool takes_grids_;
    // By index in operators_.values. What QuantizeLinear makes is in integers_: the value on its
    // grid that DequantizeLinear makes of it again.
    std::vector<std::optional<ValueId>> ids_, integers_;
    PartialShapes partial_;
    Graph graph_;
};

// The value of `id`, which is a constant or was computed before.
ValueId Lowering::known(ValueId id) {
    std::optional<ValueId>& own = ids_[id.value];
    if (own) return *own;
    std::shared_ptr<const Tensor> constant = operators_.at(id).constant;
    if (constant == nullptr) constant = partial_.constant(id);
    if (constant != nullptr)
        own = graph_.add_value({operators_.at(id).name,
                                constant->type,
                                constant->shape,
                                shared(constant),
                                {},
                                operators_.at(id).quantised});
    else  // only its shape is known: whoever needs its elements refuses it
        own = graph_.add_value({operators_.at(id).name, DataType::i64, Shape{}, std::nullopt});
    return *own;
}

Status Lowering::add_inputs() {
    for (const OperatorInput& input : operators_.inputs) {
        const std::string label = "input '" + operators_.at(input.value).name + "'";
        for (std::size_t i = 1; i < input.shape.rank(); ++i)
            if (input.shape[i] == kAnyExtent)
                return unimplemented(label + " leaves extent " + std::to_string(i) +
                                     " open; only the first one may be");
        if (input.type != DataType::f32)
            return unimplemented(label + " is not FP32; only FP32 is supported");
        ids_[input.value.value] = graph_.add_value(
            {operators_.at(input.value).name, input.type, input.shape, std::nullopt});
        graph_.inputs.push_back(*ids_[input.value.value]);
    }
    if (graph_.inputs.empty()) return unimplemented("the graph has no inputs");
    return ok_status();
}

Status Lowering::append(Node node, ValueId output) {
    for (const ValueId id : node.inputs)
        if (graph_.at(id).type != DataType::f32)
            return unimplemented(node.label + " computes with " +
                                 std::string(name_of(graph_.at(id).type)) +
                                 "; only FP32 is supported");
    BUNCH_ASSIGN_OR_RETURN(const Shape shape, infer_output_shape(graph_, node));
    node.output =
        graph_.add_value({operators_.at(output).name, DataType::f32, shape, std::nullopt});
    ids_[output.value] = node.output;
    graph_.nodes.push_back(std::move(node));
    return ok_status();
}

// Rounding to a grid, as an Identity whose output has one; the same for all that read it.
Status Lowering::add_quantise(const OperatorNode& node) {
    BUNCH_ASSIGN_OR_RETURN(const Grid grid, grid_of(operators_, node));
    const std::optional<ValueId> x = ids_[node.inputs[0]->value];
    if (!x)
        return unimplemented(node.spec.label +
                             " reads a tensor of integers, which has no planned "
                             "form");
    for (const Node& other : graph_.nodes)
        if (std::holds_alternative<Identity>(other.op) && other.inputs[0] == *x &&
            graph_.at(other.output).grid == grid) {
            integers_[node.outputs[0]->value] = other.output;
            return ok_status();
        }
    Node rounding{node.spec.label, Identity{}, {*x}, {}};
    BUNCH_RETURN_IF_ERROR(append(std::move(rounding), *node.outputs[0]));
    std::optional<ValueId>& made = ids_[node.outputs[0]->value];
    graph_.at(*made).grid = grid;
    integers_[node.outputs[0]->value] = made;
    made.reset();
    return ok_status();
}

Status Lowering::add_dequantise(const OperatorNode& node) {
    BUNCH_ASSIGN_OR_RETURN(const Grid grid, grid_of(operators_, node));
    const std::optional<ValueId> x = integers_[node.inputs[0]->value];
    if (!x)
        return unimplemented(node.spec.label +
                             " reads what no QuantizeLinear made, which has no planned form");
    if (graph_.at(*x).grid != grid)
        return unimplemented(node.spec.label + " has another scale or zero point than the " +
                             "QuantizeLinear before it, which has no planned form");
    ids_[node.outputs[0]->value] = x;
    return ok_status();
}

Status Lowering::add_node(const OperatorNode& given) {
    const kernels::NodeSpec& spec = given.spec;
    const auto shape_of = [this](ValueId id) {
        return ids_[id.value] ? std::optional(graph_.at(*ids_[id.value]).shape) : std::nullopt;
    };
    if (partial_.evaluate(given, shape_of)) return ok_status();
    if (takes_grids_ && is_quantise(spec)) return add_quantise(given);
    if (takes_grids_ && is_dequantise(spec)) return add_dequantise(given);
    for (const auto& id : given.inputs)
        if (id && integers_[id->value])
            return unimplemented(spec.label +
                                 " reads what QuantizeLinear makes without a DequantizeLinear in "
                                 "between, which has no planned form");
    const OperatorReader* reader = find_reader(spec);
    if (reader == nullptr || !given.outputs[0])
        return unimplemented(spec.label + ": operator " + spec.type + " has no planned form");
    for (std::size_t i = 1; i < given.outputs.size(); ++i)
        if (given.outputs[i])
            return unimplemented(spec.label + " with " + std::to_string(i + 1) +
                                 " outputs is not supported");
    std::vector<std::optional<ValueId>> inputs;
    for (const auto& id : given.inputs)
        inputs.push_back(id ? std::optional(known(*id)) : std::nullopt);
    OnnxNode node{
        spec, spec.opset, graph_, spec.label, std::move(inputs), kernels::Attributes(spec), {}};
    if (spec.type == "Reshape" && given.inputs.size() == 2 && given.inputs[1])
        node.target = partial_.reshape_target(*given.inputs[1]);
    Result<Node> made = reader->read(node);
    BUNCH_RETURN_IF_ERROR(node.attributes.status().with_context(spec.label));
    if (!made.ok()) return made.status();
    return append(std::move(made).value(), *given.outputs[0]);
}

Status Lowering::add_outputs() {
    for (const ValueId id : operators_.outputs) {
        const std::string label = "output '" + operators_.at(id).name + "'";
        const auto own = ids_[id.value];
        if (integers_[id.value])
            return unimplemented(label + " is what QuantizeLinear makes; only FP32 is supported");
        if (!own || graph_.at(*own).constant || graph_.at(*own).type != DataType::f32)
            return unimplemented(label + " is a constant");
        graph_.at(*own).name = operators_.at(id).name;  // a grid's value bears another
        if (graph_.is_output(*own)) return unimplemented(label + " is listed twice");
        graph_.outputs.push_back(*own);
    }
    return ok_status();
}

Result<Graph> Lowering::run() && {
    if (!operators_.not_finite.empty())
        return unimplemented("tensor '" + operators_.not_finite.front() +
                             "' holds a number that is not finite");
    BUNCH_RETURN_IF_ERROR(add_inputs());
    for (const OperatorNode& node : operators_.nodes) BUNCH_RETURN_IF_ERROR(add_node(node));
    BUNCH_RETURN_IF_ERROR(add_outputs());
    BUNCH_RETURN_IF_ERROR(signature_of(graph_).status());
    return std::move(graph_);
}

}  // namespace

Result<Graph> lower(const OperatorGraph& operators, bool grids) {
    return Lowering(operators, grids).run();
}

}  // namespace bunch
