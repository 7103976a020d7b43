#include "backends/graph/shape_inference.h"

#include <algorithm>
#include <string>

#include "backends/graph/shape_rules.h"

namespace bunch {
namespace {

using shape_rules::Context;

Result<Shape> infer(Context& context, Operator& op) {
    return std::visit(
        Overloaded{
            [&](Conv& conv) { return shape_rules::conv(context, conv); },
            [&](Dense&) { return shape_rules::dense(context); },
            [&](MatMul&) { return shape_rules::mat_mul(context); },
            [&](Affine& affine) { return shape_rules::affine(context, affine); },
            [&](Elementwise&) { return Result<Shape>(context.input(0)); },
            [&](Binary&) { return shape_rules::binary(context); },
            [&](Pool& pool) { return shape_rules::pool(context, pool); },
            [&](Softmax& softmax) { return shape_rules::softmax(context, softmax); },
            [&](Reshape& reshape) { return shape_rules::reshape(context, reshape); },
            [&](Concat& concat) { return shape_rules::concat(context, concat); },
            [&](Transpose& transpose) { return shape_rules::transpose(context, transpose); },
            [&](Identity&) { return Result<Shape>(context.input(0)); },
        },
        op);
}

}  // namespace

Result<Shape> infer_output_shape(const Graph& graph, Node& node) {
    Context context{graph, node};
    BUNCH_ASSIGN_OR_RETURN(const Shape shape, infer(context, node.op));
    for (std::size_t i = 0; i < shape.rank(); ++i)
        if (shape[i] < 1 && !(i == 0 && shape[i] == kAnyExtent))
            return context.wrong("would compute a tensor of shape " + shape.to_string());
    // 2^40 elements: nothing real is larger, and no byte count overflows.
    const Shape one_row = shape.rank() > 0 && shape[0] == kAnyExtent ? shape.with_rows(1) : shape;
    const auto elements = one_row.elements();
    if (!elements || *elements > (std::uint64_t{1} << 40))
        return context.wrong("would compute a tensor of shape " + shape.to_string() +
                             ", which is too large");
    return shape;
}

Status infer_shapes(Graph& graph) {
    for (Node& node : graph.nodes) {
        BUNCH_ASSIGN_OR_RETURN(const Shape shape, infer_output_shape(graph, node));
        graph.at(node.output).shape = shape;
    }
    return ok_status();
}

std::optional<Shape> broadcast(const Shape& a, const Shape& b) {
    Shape result = a.rank() >= b.rank() ? a : b;
    const Shape& shorter = a.rank() >= b.rank() ? b : a;
    const std::size_t offset = result.rank() - shorter.rank();
    for (std::size_t i = 0; i < shorter.rank(); ++i) {
        const std::int64_t x = result[offset + i], y = shorter[i];
        if (x != y && x != 1 && y != 1) return std::nullopt;
        result.set(offset + i, x == 1 ? y : x);
    }
    return result;
}

}  // namespace bunch
