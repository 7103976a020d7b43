/// A network as a list of operators, in an order in which they can run: what a reader of model
/// files produces, passes simplify, and a device's planner turns into its own code.
///
/// Not for: running anything, and not a mirror of ONNX. Attributes are resolved, constants are
/// folded into the operators that own them, and what cannot be expressed is refused by the reader.
#pragma once

#include <cstdint>
#include <memory>
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

/// The numbers scale * (q - zero) for 8-bit integers q: those that QuantizeLinear rounds to, half
/// to even, and beyond which it saturates.
struct Grid {
    DataType type = DataType::u8;  ///< or i8
    float scale = 1;               ///< above 0
    std::int32_t zero = 0;
    friend bool operator==(const Grid&, const Grid&) = default;
};

/// A constant as DequantizeLinear read it: scales[c] * (integers[...] - zeros[c]), c along `axis`,
/// or one scale for all.
struct QuantisedConstant {
    std::shared_ptr<const Tensor> integers;  ///< u8, i8 or i32. Shared with the reader
    std::vector<float> scales;
    std::vector<std::int32_t> zeros;  ///< as many
    std::size_t axis = 0;
};

/// A tensor that flows between nodes, or a constant. What computes a value with a grid rounds to
/// it.
struct Value {
    std::string name;
    DataType type = DataType::f32;
    /// Known after infer_shapes(). Extent 0 is kAnyExtent where it counts rows; no other is open.
    Shape shape;
    std::optional<Tensor> constant;
    std::optional<Grid> grid = {};
    /// What `constant` was made of, if it was integers. Shared with the reader.
    std::shared_ptr<const QuantisedConstant> quantised = {};

    bool carries_rows() const { return shape.rank() > 0 && shape[0] == kAnyExtent; }
};

/// A layer in integers: scales[c] * (sum of products + bias[c]) for output channel c, where inputs
/// are counted from the zero of their grid.
struct IntegerForm {
    ValueId weights;              ///< i8
    std::optional<ValueId> bias;  ///< f32
    std::vector<float> scales;    ///< one per output channel
};

/// One operator. y = epilogue(inner(op(inputs)) + residual), where `inner` rounds to a grid; passes
/// set all but op and inputs.
struct Node {
    std::string label;  ///< for messages: "node 'conv1' (Conv)"
    Operator op;
    std::vector<ValueId> inputs;
    ValueId output;
    std::optional<ValueId> residual = {};
    Activation epilogue = {};
    std::optional<Grid> inner = {};
    std::optional<IntegerForm> integers = {};  ///< set by find_integer_layers()
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
