// Operators that only move elements.
#include "backends/graph/onnx_node.h"

namespace bunch {
namespace {

Result<Node> read_flatten(OnnxNode& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    Reshape reshape;
    reshape.flatten = true;
    reshape.flatten_axis = node.attributes.integer("axis", 1);
    return node.make(std::move(reshape));
}

Result<Node> read_reshape(OnnxNode& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 2));
    Reshape reshape;
    if (node.target) {
        reshape.target = *node.target;
    } else {
        BUNCH_ASSIGN_OR_RETURN(reshape.target, node.constant_integers(1));
    }
    reshape.allow_zero = node.attributes.integer("allowzero", 0) != 0;
    return node.make(std::move(reshape));
}

Result<Node> read_concat(OnnxNode& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, node.inputs.size()));
    if (!node.attributes.has("axis")) return node.wrong("has no axis");
    const Concat concat{node.attributes.integer("axis", 1)};
    for (const auto& input : node.inputs)
        if (!input) return node.wrong("leaves out an input");
    return node.make(concat, node.inputs.size());
}

Result<Node> read_transpose(OnnxNode& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    return node.make(Transpose{node.attributes.integers("perm")});
}

Result<Node> read_identity(OnnxNode& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    return node.make(Identity{});
}

// The identity when a model is served, whatever its ratio.
Result<Node> read_dropout(OnnxNode& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 3));
    node.attributes.ignore("ratio");
    node.attributes.ignore("seed");
    if (node.has_input(2)) {
        const Value& training = node.input(2);
        const bool off = training.constant && training.type == DataType::boolean &&
                         training.constant->buffer.size() == 1 &&
                         training.constant->buffer.bytes()[0] == std::byte{0};
        if (!off) return node.unsupported("in training mode");
    }
    return node.make(Identity{});
}

constexpr OperatorReader kReaders[] = {
    {"Flatten", read_flatten},     {"Reshape", read_reshape},   {"Concat", read_concat},
    {"Transpose", read_transpose}, {"Identity", read_identity}, {"Dropout", read_dropout},
};

}  // namespace

std::span<const OperatorReader> layout_readers() {
    return kReaders;
}

}  // namespace bunch
