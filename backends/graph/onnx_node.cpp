#include "backends/graph/onnx_node.h"

#include <cmath>
#include <cstring>
#include <utility>

namespace bunch {

const onnx::AttributeProto* Attributes::find(std::string_view name) const {
    for (const auto& attribute : proto_.attribute())
        if (attribute.name() == name) return &attribute;
    return nullptr;
}

const onnx::AttributeProto* Attributes::find(std::string_view name,
                                             onnx::AttributeProto::AttributeType type) {
    asked_.emplace(name);
    const auto* attribute = find(name);
    if (attribute == nullptr) return nullptr;
    if (attribute->type() != type) {
        if (problem_.ok())
            problem_ = invalid_argument("attribute '" + std::string(name) + "' has the wrong type");
        return nullptr;
    }
    return attribute;
}

std::int64_t Attributes::integer(std::string_view name, std::int64_t fallback) {
    const auto* attribute = find(name, onnx::AttributeProto::INT);
    return attribute ? attribute->i() : fallback;
}

float Attributes::number(std::string_view name, float fallback) {
    const auto* attribute = find(name, onnx::AttributeProto::FLOAT);
    if (attribute == nullptr) return fallback;
    if (!std::isfinite(attribute->f()) && problem_.ok())
        problem_ = invalid_argument("attribute '" + std::string(name) + "' is not a finite number");
    return attribute->f();
}

std::string Attributes::text(std::string_view name, std::string_view fallback) {
    const auto* attribute = find(name, onnx::AttributeProto::STRING);
    return attribute ? attribute->s() : std::string(fallback);
}

std::vector<std::int64_t> Attributes::integers(std::string_view name) {
    const auto* attribute = find(name, onnx::AttributeProto::INTS);
    if (attribute == nullptr) return {};
    return {attribute->ints().begin(), attribute->ints().end()};
}

const onnx::TensorProto* Attributes::tensor(std::string_view name) {
    const auto* attribute = find(name, onnx::AttributeProto::TENSOR);
    return attribute ? &attribute->t() : nullptr;
}

bool Attributes::has(std::string_view name) const {
    return find(name) != nullptr;
}

Status Attributes::status() const {
    if (!problem_.ok()) return problem_;
    std::set<std::string, std::less<>> seen;
    for (const auto& attribute : proto_.attribute()) {
        if (!seen.insert(attribute.name()).second)
            return invalid_argument("attribute '" + attribute.name() + "' is given twice");
        if (!asked_.contains(attribute.name()))
            return unimplemented("attribute '" + attribute.name() + "' is not supported");
    }
    return ok_status();
}

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
