/// What the readers of single operators work with. Internal to backends/graph.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/graph/graph.h"
#include "core/result.h"

namespace bunch {

/// The attributes of one node. The first that is wrong is remembered for status().
class Attributes {
  public:
    explicit Attributes(const onnx::NodeProto& proto) : proto_(proto) {}

    std::int64_t integer(std::string_view name, std::int64_t fallback);
    float number(std::string_view name, float fallback);
    std::string text(std::string_view name, std::string_view fallback);
    /// Empty when absent.
    std::vector<std::int64_t> integers(std::string_view name);
    /// Null when absent.
    const onnx::TensorProto* tensor(std::string_view name);
    bool has(std::string_view name) const;
    /// Says that an attribute may be there and changes nothing for us.
    void ignore(std::string_view name) { asked_.emplace(name); }

    /// What was wrong: a type, a repeated name, or an attribute that nobody asked for.
    Status status() const;

  private:
    const onnx::AttributeProto* find(std::string_view name, onnx::AttributeProto::AttributeType);
    const onnx::AttributeProto* find(std::string_view name) const;

    const onnx::NodeProto& proto_;
    std::set<std::string, std::less<>> asked_;
    Status problem_;
};

/// One node while it is read.
struct OnnxNode {
    const onnx::NodeProto& proto;
    std::int64_t opset;
    Graph& graph;
    std::string label;
    std::vector<std::optional<ValueId>> inputs;  ///< nothing where the node leaves one out
    Attributes attributes;

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
