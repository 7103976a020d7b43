// Operators on single elements, and Softmax.
#include <limits>

#include "backends/graph/onnx_node.h"
#include "backends/kernels/bounds.h"

namespace bunch {
namespace {

using Kind = Activation::Kind;

Result<Node> read_function(OnnxNode& node, Activation function) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    return node.make(Elementwise{function});
}

Result<Node> read_relu(OnnxNode& node) {
    return read_function(node, {Kind::leaky_relu, 0, 0});
}
Result<Node> read_leaky_relu(OnnxNode& node) {
    return read_function(node, {Kind::leaky_relu, node.attributes.number("alpha", 0.01F), 0});
}
Result<Node> read_sigmoid(OnnxNode& node) {
    return read_function(node, {Kind::sigmoid, 0, 0});
}
Result<Node> read_tanh(OnnxNode& node) {
    return read_function(node, {Kind::tanh, 0, 0});
}

// Bounds are attributes before opset 11 and constant inputs since.
Result<Node> read_clip(OnnxNode& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, node.opset < 11 ? 1 : 3));
    float bounds[] = {std::numeric_limits<float>::lowest(), std::numeric_limits<float>::max()};
    if (node.opset < 11) {
        bounds[0] = kernels::bound_of(node.attributes, node.spec, "min", bounds[0]);
        bounds[1] = kernels::bound_of(node.attributes, node.spec, "max", bounds[1]);
    }
    for (std::size_t i = 0; i < 2; ++i) {
        if (!node.has_input(i + 1)) continue;
        BUNCH_ASSIGN_OR_RETURN(const std::span<const float> bound, node.constant_floats(i + 1));
        if (bound.size() != 1) return node.wrong("has a bound that is not one number");
        bounds[i] = bound[0];
    }
    if (!(bounds[0] <= bounds[1])) return node.wrong("has a lower bound above its upper bound");
    return node.make(Elementwise{{Kind::clip, bounds[0], bounds[1]}});
}

Result<Node> read_binary(OnnxNode& node, Binary::Kind kind) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 2));
    return node.make(Binary{kind}, 2);
}
Result<Node> read_add(OnnxNode& node) {
    return read_binary(node, Binary::Kind::add);
}
Result<Node> read_subtract(OnnxNode& node) {
    return read_binary(node, Binary::Kind::subtract);
}
Result<Node> read_multiply(OnnxNode& node) {
    return read_binary(node, Binary::Kind::multiply);
}

// Before opset 13 Softmax ran over all extents from the axis on.
Result<Node> read_softmax(OnnxNode& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    const bool to_the_end = node.opset < 13;
    return node.make(Softmax{node.attributes.integer("axis", to_the_end ? 1 : -1), to_the_end});
}

constexpr OperatorReader kReaders[] = {
    {"Relu", read_relu},       {"LeakyRelu", read_leaky_relu},
    {"Sigmoid", read_sigmoid}, {"Tanh", read_tanh},
    {"Clip", read_clip},       {"Add", read_add},
    {"Sub", read_subtract},    {"Mul", read_multiply},
    {"Softmax", read_softmax},
};

}  // namespace

std::span<const OperatorReader> pointwise_readers() {
    return kReaders;
}

}  // namespace bunch
