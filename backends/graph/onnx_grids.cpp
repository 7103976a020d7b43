#include "backends/graph/onnx_grids.h"

#include <cmath>
#include <cstring>

namespace bunch {
namespace {

// The constant at input `index`; null if there is none.
const Tensor* constant_of(const OperatorGraph& operators, const OperatorNode& node,
                          std::size_t index) {
    if (index >= node.inputs.size() || !node.inputs[index]) return nullptr;
    return operators.at(*node.inputs[index]).constant.get();
}

}  // namespace

bool is_quantise(const kernels::NodeSpec& spec) {
    return spec.domain.empty() && spec.type == "QuantizeLinear";
}

bool is_dequantise(const kernels::NodeSpec& spec) {
    return spec.domain.empty() && spec.type == "DequantizeLinear";
}

Result<Grid> grid_of(const OperatorGraph& operators, const OperatorNode& node) {
    const auto refused = [&](const char* why) {
        return unimplemented(node.spec.label + " " + why + ", which has no planned form");
    };
    if (node.inputs.size() < 2 || node.inputs.size() > 3 || !node.inputs[0] || !node.inputs[1] ||
        !node.outputs[0])
        return refused("lacks an input or an output");
    const Tensor* const scale = constant_of(operators, node, 1);
    if (scale == nullptr || scale->type != DataType::f32 || scale->buffer.size() != sizeof(float))
        return refused("has a scale that is not one constant FP32 number");
    Grid grid;
    std::memcpy(&grid.scale, scale->buffer.bytes().data(), sizeof(float));
    if (!std::isnormal(grid.scale) || grid.scale < 0) return refused("has a scale not above 0");
    if (node.inputs.size() < 3 || !node.inputs[2]) return grid;
    const Tensor* const zero = constant_of(operators, node, 2);
    if (zero == nullptr || zero->buffer.size() != 1 ||
        (zero->type != DataType::u8 && zero->type != DataType::i8))
        return refused("has a zero point that is not one constant UINT8 or INT8 number");
    grid.type = zero->type;
    const auto byte = std::to_integer<std::uint8_t>(zero->buffer.bytes()[0]);
    grid.zero = grid.type == DataType::u8 ? std::int32_t{byte}
                                          : std::int32_t{static_cast<std::int8_t>(byte)};
    return grid;
}

}  // namespace bunch
