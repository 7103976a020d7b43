/// The shape rule of each operator. Internal to backends/graph; see shape_inference.h.
#pragma once

#include <string>
#include <string_view>

#include "backends/graph/graph.h"
#include "core/result.h"

namespace bunch::shape_rules {

/// One node and what it reads.
struct Context {
    const Graph& graph;
    const Node& node;

    const Shape& input(std::size_t index) const { return graph.at(node.inputs[index]).shape; }
    bool has(std::size_t index) const { return index < node.inputs.size(); }

    Status wrong(std::string_view what) const {
        return invalid_argument(node.label + " " + std::string(what));
    }
    Status unsupported(std::string_view what) const {
        return unimplemented(node.label + " " + std::string(what) + " is not supported");
    }
    /// `axis` counted from the end where negative; fails outside the rank of input 0.
    Result<std::int64_t> settle_axis(std::int64_t axis) const;
    /// Fails if extent 0 of input 0 counts rows and is among those that `what` touches.
    Status keep_rows_apart(std::int64_t axis, std::string_view what) const;
};

// shapes_layers.cpp
Result<Shape> conv(const Context& context, Conv& conv);
Result<Shape> dense(const Context& context);
Result<Shape> mat_mul(const Context& context);
Result<Shape> pool(const Context& context, Pool& pool);

// shapes_simple.cpp
Result<Shape> affine(const Context& context, Affine& affine);
Result<Shape> binary(const Context& context);
Result<Shape> softmax(const Context& context, Softmax& softmax);
Result<Shape> reshape(const Context& context, const Reshape& reshape);
Result<Shape> concat(const Context& context, Concat& concat);
Result<Shape> transpose(const Context& context, Transpose& transpose);

}  // namespace bunch::shape_rules
