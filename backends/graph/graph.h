/// A network as a list of operators, in an order in which they can run: what a reader of model
/// files produces, passes simplify, and a device's planner turns into its own code.
///
/// Not for: running anything, and not a mirror of ONNX. Attributes are resolved, constants are
/// folded into the operators that own them, and what cannot be expressed is refused by the reader.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backends/graph/operators.h"
#include "core/ids.h"
#include "core/model.h"
#include "core/result.h"
#include "core/tensor.h"

namespace bunch {

/// One tensor of a graph: its index in Graph::values.
using ValueId = Id<struct ValueTag, std::uint32_t>;

/// A tensor that flows between nodes, or a constant.
struct Value {
    std::string name;
    DataType type = DataType::f32;
    /// Known after infer_shapes(). Extent 0 is kAnyExtent where it counts rows; no other is open.
    Shape shape;
    std::optional<Tensor> constant;

    bool carries_rows() const { return shape.rank() > 0 && shape[0] == kAnyExtent; }
};

/// One operator. y = epilogue(op(inputs) + residual); passes set the last two.
struct Node {
    std::string label;  ///< for messages: "node 'conv1' (Conv)"
    Operator op;
    std::vector<ValueId> inputs;
    ValueId output;
    std::optional<ValueId> residual;
    Activation epilogue;
};

/// Every value is a constant, an input, or the output of exactly one node, which comes before the
/// nodes that read it.
struct Graph {
    std::vector<Value> values;
    std::vector<Node> nodes;
    std::vector<ValueId> inputs;
    std::vector<ValueId> outputs;

    Value& at(ValueId id) { return values[id.value]; }
    const Value& at(ValueId id) const { return values[id.value]; }
    ValueId add_value(Value value);
    ValueId add_constant(std::string name, const Shape& shape, std::span<const float> elements);

    bool is_output(ValueId id) const;
    /// How often nodes read `id`, as input or residual.
    std::size_t uses(ValueId id) const;
    /// The node that computes `id`, by index; nothing for inputs and constants.
    std::optional<std::size_t> producer(ValueId id) const;
};

/// The elements of an f32 constant.
std::span<const float> floats(const Value& constant);

/// Inputs and outputs as clients see them. Needs infer_shapes(). Fails if rows reach some inputs
/// or outputs only.
Result<ModelSignature> signature_of(const Graph& graph);

}  // namespace bunch
