/// What the readers of single operators work with. Internal to backends/graph.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/graph/graph.h"
#include "backends/kernels/node_spec.h"
#include "core/result.h"

namespace bunch {

/// One node while it is read.
struct OnnxNode {
    const kernels::NodeSpec& spec;
    std::int64_t opset;
    Graph& graph;
    std::string label;
    std::vector<std::optional<ValueId>> inputs;  ///< nothing where the node leaves one out
    kernels::Attributes attributes;
    /// The target of a Reshape where it is arithmetic on shapes.
    std::optional<std::vector<std::int64_t>> target;

    bool has_input(std::size_t index) const {
        return index < inputs.size() && inputs[index].has_value();
    }
    const Value& input(std::size_t index) const { return graph.at(*inputs[index]); }

    /// Ok if the first `least` inputs are there and no more than `most`.
    Status check_inputs(std::size_t least, std::size_t most) const;
    /// The constant f32 elements of input `index`.
    Result<std::span<const float>> constant_floats(std::size_t index) const;
    /// The constant int64 elements of input `index`.
    Result<std::vector<std::int64_t>> constant_integers(std::size_t index) const;
    /// A node of ours that reads the first `count` inputs that are there.
    Node make(Operator op, std::size_t count = 1) const;
    Status unsupported(std::string_view what) const;
    Status wrong(std::string_view what) const;
};

/// Reads nodes of one ONNX operator type; `output` of the result is set by the caller.
struct OperatorReader {
    std::string_view type;
    Result<Node> (*read)(OnnxNode& node);
};

/// One table per family of operators, each in its file.
std::span<const OperatorReader> layer_readers();      // onnx_layers.cpp
std::span<const OperatorReader> pointwise_readers();  // onnx_pointwise.cpp
std::span<const OperatorReader> pool_readers();       // onnx_pools.cpp
std::span<const OperatorReader> layout_readers();     // onnx_layout.cpp

/// Kernel, strides, pads of a Conv or a pool; two spatial dimensions or refused.
Result<Window> read_window(OnnxNode& node);

}  // namespace bunch
