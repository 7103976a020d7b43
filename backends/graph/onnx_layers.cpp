// Operators with weights: Conv, Gemm, MatMul, BatchNormalization.
#include <algorithm>
#include <cmath>
#include <memory>

#include "backends/graph/constant_folding.h"
#include "backends/graph/onnx_node.h"
#include "backends/graph/passes.h"

namespace bunch {
namespace {

Result<Node> read_conv(OnnxNode& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 3));
    Conv conv;
    conv.groups = node.attributes.integer("group", 1);
    BUNCH_RETURN_IF_ERROR(node.constant_floats(1).status());
    if (node.has_input(2)) BUNCH_RETURN_IF_ERROR(node.constant_floats(2).status());
    const Shape& weights = node.input(1).shape;
    if (weights.rank() != 4) return node.unsupported("with weights " + weights.to_string());
    BUNCH_ASSIGN_OR_RETURN(conv.window, read_window(node));
    if (!node.attributes.has("kernel_shape"))
        conv.window.kernel = {weights[2], weights[3]};
    else if (conv.window.kernel[0] != weights[2] || conv.window.kernel[1] != weights[3])
        return node.wrong("has a kernel_shape that differs from its weights " +
                          weights.to_string());
    return node.make(conv, 3);
}

// The integers of a matrix, transposed if asked for and with scales times `alpha`.
std::shared_ptr<const QuantisedConstant> gemm_integers(const Value& given, float alpha,
                                                       bool transposes) {
    if (given.quantised == nullptr) return nullptr;
    QuantisedConstant made = *given.quantised;
    for (float& scale : made.scales) scale *= alpha;
    if (transposes) {
        const std::int64_t order[] = {1, 0};
        made.integers = std::make_shared<const Tensor>(transposed(*made.integers, order));
        made.axis = 1 - std::min<std::size_t>(made.axis, 1);
    }
    return std::make_shared<const QuantisedConstant>(std::move(made));
}

// alpha * a * b as a constant [k, m].
Result<ValueId> gemm_weights(OnnxNode& node, float alpha, bool transposed_b) {
    BUNCH_ASSIGN_OR_RETURN(const std::span<const float> elements, node.constant_floats(1));
    const Value& given = node.input(1);
    if (given.shape.rank() != 2) return node.wrong("has weights " + given.shape.to_string());
    if (!transposed_b && alpha == 1.0F) return *node.inputs[1];
    std::vector<float> scaled(elements.begin(), elements.end());
    for (float& element : scaled) element *= alpha;
    Tensor tensor{DataType::f32, given.shape, Buffer::copy_of(std::as_bytes(std::span(scaled)))};
    const std::int64_t order[] = {1, 0};
    if (transposed_b) tensor = transposed(tensor, order);
    const Shape shape = tensor.shape;
    auto integers = gemm_integers(given, alpha, transposed_b);
    return node.graph.add_value(
        {given.name, DataType::f32, shape, std::move(tensor), {}, std::move(integers)});
}

// beta * c as a constant [m].
Result<ValueId> gemm_bias(OnnxNode& node, float beta, std::int64_t m) {
    BUNCH_ASSIGN_OR_RETURN(const std::span<const float> elements, node.constant_floats(2));
    const Value& given = node.input(2);
    const bool one_row = given.shape.rank() < 2 || (given.shape.rank() == 2 && given.shape[0] == 1);
    const auto size = static_cast<std::int64_t>(elements.size());
    if (!one_row || (size != 1 && size != m))
        return node.unsupported("with C of shape " + given.shape.to_string());
    std::vector<float> bias(static_cast<std::size_t>(m));
    for (std::size_t i = 0; i < bias.size(); ++i) bias[i] = beta * elements[size == 1 ? 0 : i];
    const std::string name = given.name;
    return node.graph.add_constant(name, Shape{m}, bias);
}

Result<Node> read_gemm(OnnxNode& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 3));
    const float alpha = node.attributes.number("alpha", 1.0F);
    const float beta = node.attributes.number("beta", 1.0F);
    if (node.attributes.integer("transA", 0) != 0) return node.unsupported("with transA");
    const bool transposed_b = node.attributes.integer("transB", 0) != 0;
    Node made = node.make(Dense{});
    BUNCH_ASSIGN_OR_RETURN(const ValueId weights, gemm_weights(node, alpha, transposed_b));
    made.inputs.push_back(weights);
    if (node.has_input(2)) {
        const std::int64_t m = node.graph.at(weights).shape[1];
        BUNCH_ASSIGN_OR_RETURN(const ValueId bias, gemm_bias(node, beta, m));
        made.inputs.push_back(bias);
    }
    return made;
}

Result<Node> read_mat_mul(OnnxNode& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 2));
    const Value& right = node.input(1);
    if (right.constant && right.shape.rank() == 2) return node.make(Dense{}, 2);
    return node.make(MatMul{}, 2);
}

Result<Node> read_batch_norm(OnnxNode& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(5, 5));
    const float epsilon = node.attributes.number("epsilon", 1e-5F);
    node.attributes.ignore("momentum");
    if (node.attributes.integer("training_mode", 0) != 0)
        return node.unsupported("in training mode");
    if (node.attributes.integer("spatial", 1) != 1) return node.unsupported("with spatial = 0");
    std::span<const float> given[4];  // scale, bias, mean, variance
    for (std::size_t i = 0; i < 4; ++i) {
        BUNCH_ASSIGN_OR_RETURN(given[i], node.constant_floats(i + 1));
        if (given[i].size() != given[0].size())
            return node.wrong("has parameters of different lengths");
    }
    std::vector<float> scale(given[0].size()), shift(given[0].size());
    bool is_far = false;  // from zero: then means stay what they are
    for (std::size_t i = 0; i < scale.size(); ++i) {
        const double variance = static_cast<double>(given[3][i]) + static_cast<double>(epsilon);
        if (!(variance > 0)) return node.wrong("has a variance that is not positive");
        const double factor = static_cast<double>(given[0][i]) / std::sqrt(variance);
        const double moved = factor * static_cast<double>(given[2][i]);
        is_far = is_far || std::abs(moved) > kLargeShift;
        scale[i] = static_cast<float>(factor);
        shift[i] = static_cast<float>(static_cast<double>(given[1][i]) - moved);
    }
    const Shape shape{static_cast<std::int64_t>(scale.size())};
    Node made = node.make(Affine{1});
    made.inputs.push_back(node.graph.add_constant(node.label + " scale", shape, scale));
    made.inputs.push_back(is_far ? *node.inputs[2]
                                 : node.graph.add_constant(node.label + " shift", shape, shift));
    if (is_far) made.inputs.push_back(*node.inputs[3]);
    return made;
}

constexpr OperatorReader kReaders[] = {
    {"Conv", read_conv},
    {"Gemm", read_gemm},
    {"MatMul", read_mat_mul},
    {"BatchNormalization", read_batch_norm},
};

}  // namespace

std::span<const OperatorReader> layer_readers() {
    return kReaders;
}

}  // namespace bunch
