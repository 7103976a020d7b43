#include "backends/graph/graph.h"

#include <algorithm>
#include <utility>

namespace bunch {
namespace {

TensorSpec spec_of(const Value& value) {
    return {value.name, value.type, value.shape};
}

}  // namespace

ValueId Graph::add_value(Value value) {
    values.push_back(std::move(value));
    return ValueId{static_cast<std::uint32_t>(values.size() - 1)};
}

ValueId Graph::add_constant(std::string name, const Shape& shape, std::span<const float> elements) {
    Tensor tensor{DataType::f32, shape, Buffer::copy_of(std::as_bytes(elements))};
    return add_value({std::move(name), DataType::f32, shape, std::move(tensor)});
}

bool Graph::is_output(ValueId id) const {
    return std::find(outputs.begin(), outputs.end(), id) != outputs.end();
}

std::size_t Graph::uses(ValueId id) const {
    std::size_t found = 0;
    for (const Node& node : nodes) {
        found += static_cast<std::size_t>(std::count(node.inputs.begin(), node.inputs.end(), id));
        if (node.residual == id) ++found;
    }
    return found;
}

std::optional<std::size_t> Graph::producer(ValueId id) const {
    for (std::size_t i = 0; i < nodes.size(); ++i)
        if (nodes[i].output == id) return i;
    return std::nullopt;
}

std::span<const float> floats(const Value& constant) {
    BUNCH_CHECK(constant.constant && constant.type == DataType::f32);
    const auto bytes = constant.constant->buffer.bytes();
    return {reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)};
}

Result<ModelSignature> signature_of(const Graph& graph) {
    ModelSignature signature;
    std::size_t with_rows = 0;
    for (const ValueId id : graph.inputs) {
        signature.inputs.push_back(spec_of(graph.at(id)));
        with_rows += graph.at(id).carries_rows() ? 1U : 0U;
    }
    for (const ValueId id : graph.outputs) {
        signature.outputs.push_back(spec_of(graph.at(id)));
        with_rows += graph.at(id).carries_rows() ? 1U : 0U;
    }
    const std::size_t all = graph.inputs.size() + graph.outputs.size();
    if (with_rows != 0 && with_rows != all)
        return unimplemented("the first extent of " + std::to_string(with_rows) + " of " +
                             std::to_string(all) +
                             " inputs and outputs is open; export the model with all of them open "
                             "(rows run together) or all of them fixed");
    signature.batched = with_rows != 0;
    return signature;
}

}  // namespace bunch
