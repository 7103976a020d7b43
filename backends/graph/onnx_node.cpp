#include "backends/graph/onnx_node.h"

#include <cstring>
#include <utility>

namespace bunch {

Status OnnxNode::check_inputs(std::size_t least, std::size_t most) const {
    std::size_t given = inputs.size();
    while (given > 0 && !inputs[given - 1]) --given;
    bool complete = given >= least && given <= most;
    for (std::size_t i = 0; i < least && complete; ++i) complete = has_input(i);
    if (complete) return ok_status();
    return wrong("has " + std::to_string(given) + " inputs where " + std::to_string(least) +
                 (most > least ? " to " + std::to_string(most) : "") + " are needed");
}

Result<std::span<const float>> OnnxNode::constant_floats(std::size_t index) const {
    const Value& value = input(index);
    if (!value.constant)
        return unsupported("with input '" + value.name +
                           "' computed at run time; make it a constant");
    if (value.type != DataType::f32)
        return unsupported("with input '" + value.name + "' of type " +
                           std::string(name_of(value.type)) + "; FP32 is");
    return floats(value);
}

Result<std::vector<std::int64_t>> OnnxNode::constant_integers(std::size_t index) const {
    const Value& value = input(index);
    if (!value.constant)
        return unsupported("with input '" + value.name +
                           "' computed at run time; make it a constant");
    if (value.type != DataType::i64)
        return wrong("needs INT64 in input '" + value.name + "', not " +
                     std::string(name_of(value.type)));
    const auto bytes = value.constant->buffer.bytes();
    std::vector<std::int64_t> integers(bytes.size() / sizeof(std::int64_t));
    if (!bytes.empty()) std::memcpy(integers.data(), bytes.data(), bytes.size());
    return integers;
}

Node OnnxNode::make(Operator op, std::size_t count) const {
    Node node;
    node.label = label;
    node.op = std::move(op);
    for (std::size_t i = 0; i < count && i < inputs.size(); ++i)
        if (inputs[i]) node.inputs.push_back(*inputs[i]);
    return node;
}

Status OnnxNode::unsupported(std::string_view what) const {
    return unimplemented(label + " " + std::string(what) + " is not supported");
}

Status OnnxNode::wrong(std::string_view what) const {
    return invalid_argument(label + " " + std::string(what));
}

}  // namespace bunch
