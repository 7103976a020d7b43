// Shapes of operators that need little arithmetic.
#include <algorithm>
#include <vector>

#include "backends/graph/shape_inference.h"
#include "backends/graph/shape_rules.h"

namespace bunch::shape_rules {

Result<std::int64_t> Context::settle_axis(std::int64_t axis) const {
    const auto rank = static_cast<std::int64_t>(input(0).rank());
    if (axis < -rank || axis >= rank)
        return wrong("has axis " + std::to_string(axis) + " on an input of shape " +
                     input(0).to_string());
    return axis < 0 ? axis + rank : axis;
}

Status Context::keep_rows_apart(std::int64_t axis, std::string_view what) const {
    const Shape& x = input(0);
    if (axis != 0 || x.rank() == 0 || x[0] != kAnyExtent) return ok_status();
    return unsupported(std::string(what) + " the open first extent, which counts rows,");
}

Result<Shape> affine(const Context& context, Affine& affine) {
    BUNCH_ASSIGN_OR_RETURN(affine.axis, context.settle_axis(affine.axis));
    BUNCH_RETURN_IF_ERROR(context.keep_rows_apart(affine.axis, "over"));
    const Shape& x = context.input(0);
    const Shape channels{x[static_cast<std::size_t>(affine.axis)]};
    if (context.input(1) == channels && context.input(2) == channels &&
        (!context.has(3) || context.input(3) == channels))
        return x;
    return context.wrong("has parameters " + context.input(1).to_string() +
                         ", which do not fit its input " + x.to_string());
}

Result<Shape> binary(const Context& context) {
    const Shape& a = context.input(0);
    const Shape& b = context.input(1);
    const auto shape = broadcast(a, b);
    if (!shape) return context.wrong("has inputs " + a.to_string() + " and " + b.to_string());
    for (std::size_t i = 1; i < shape->rank(); ++i)
        if ((*shape)[i] == kAnyExtent)
            return context.unsupported("of " + a.to_string() + " and " + b.to_string());
    return *shape;
}

Result<Shape> softmax(const Context& context, Softmax& softmax) {
    BUNCH_ASSIGN_OR_RETURN(softmax.axis, context.settle_axis(softmax.axis));
    BUNCH_RETURN_IF_ERROR(context.keep_rows_apart(softmax.axis, "over"));
    return context.input(0);
}

namespace {

// What a Reshape makes of one row (or of everything, when nothing counts rows): extents of
// `target` from `first` on, whose product must be `elements`.
Result<std::vector<std::int64_t>> fill_in(const Context& context, const Reshape& reshape,
                                          std::size_t first, std::int64_t elements) {
    std::vector<std::int64_t> extents(reshape.target.begin() + static_cast<std::ptrdiff_t>(first),
                                      reshape.target.end());
    const Shape& x = context.input(0);
    std::int64_t known = 1;
    std::int64_t* open = nullptr;
    for (std::size_t i = 0; i < extents.size(); ++i) {
        if (extents[i] == 0 && !reshape.allow_zero && first + i < x.rank())
            extents[i] = x[first + i];
        if (extents[i] == -1 && open == nullptr) {
            open = &extents[i];
        } else if (extents[i] < 1 || known > elements / extents[i]) {
            return context.wrong("does not fit its input " + x.to_string());
        } else {
            known *= extents[i];
        }
    }
    if (open != nullptr && elements % known == 0) *open = elements / known;
    if (open != nullptr ? elements % known != 0 : known != elements)
        return context.wrong("does not fit its input " + x.to_string());
    return extents;
}

Result<Shape> flatten(const Context& context, std::int64_t axis) {
    const Shape& x = context.input(0);
    const auto rank = static_cast<std::int64_t>(x.rank());
    if (axis < 0) axis += rank;
    if (axis < 0 || axis > rank) return context.wrong("has an axis outside its input's rank");
    const bool rows = rank > 0 && x[0] == kAnyExtent;
    if (rows && axis != 1) return context.unsupported("with rows at an axis other than 1");
    std::int64_t sizes[2] = {1, 1};
    for (std::int64_t i = rows ? 1 : 0; i < rank; ++i)
        sizes[i < axis ? 0 : 1] *= x[static_cast<std::size_t>(i)];
    return Shape{rows ? kAnyExtent : sizes[0], sizes[1]};
}

}  // namespace

Result<Shape> reshape(const Context& context, const Reshape& reshape) {
    if (reshape.flatten) return flatten(context, reshape.flatten_axis);
    const Shape& x = context.input(0);
    if (reshape.target.size() > kMaxRank)
        return context.unsupported("to " + std::to_string(reshape.target.size()) + " dimensions");
    const bool rows = x.rank() > 0 && x[0] == kAnyExtent;
    const auto elements = rows ? x.elements_per_row() : x.elements();
    if (!elements) return context.wrong("has an input of shape " + x.to_string());
    const bool keeps = !reshape.target.empty() &&
                       (reshape.target[0] == -1 || (reshape.target[0] == 0 && !reshape.allow_zero));
    if (rows && !keeps)
        return context.unsupported("to a fixed first extent, where the input counts rows,");
    BUNCH_ASSIGN_OR_RETURN(
        std::vector<std::int64_t> extents,
        fill_in(context, reshape, rows ? 1 : 0, static_cast<std::int64_t>(*elements)));
    if (rows) extents.insert(extents.begin(), kAnyExtent);
    return *Shape::from(extents);
}

Result<Shape> concat(const Context& context, Concat& concat) {
    BUNCH_ASSIGN_OR_RETURN(concat.axis, context.settle_axis(concat.axis));
    BUNCH_RETURN_IF_ERROR(context.keep_rows_apart(concat.axis, "along"));
    const auto axis = static_cast<std::size_t>(concat.axis);
    Shape shape = context.input(0);
    for (std::size_t i = 1; i < context.node.inputs.size(); ++i) {
        Shape other = context.input(i);
        bool fits = other.rank() == shape.rank();
        for (std::size_t d = 0; fits && d < shape.rank(); ++d)
            fits = d == axis || other[d] == shape[d];
        if (!fits)
            return context.wrong("has inputs " + context.input(0).to_string() + " and " +
                                 other.to_string());
        if (other[axis] < 0 || other[axis] > (std::int64_t{1} << 40))
            return context.wrong("has an input of shape " + other.to_string());
        shape.set(axis, shape[axis] + other[axis]);
    }
    return shape;
}

Result<Shape> transpose(const Context& context, Transpose& transpose) {
    const Shape& x = context.input(0);
    const auto rank = static_cast<std::int64_t>(x.rank());
    if (transpose.order.empty())
        for (std::int64_t i = rank; i-- > 0;) transpose.order.push_back(i);
    std::vector<std::int64_t> sorted = transpose.order;
    std::sort(sorted.begin(), sorted.end());
    bool permutes = sorted.size() == x.rank();
    for (std::size_t i = 0; permutes && i < sorted.size(); ++i)
        permutes = sorted[i] == static_cast<std::int64_t>(i);
    if (!permutes) return context.wrong("has a perm that is no order of its input's dimensions");
    if (rank > 0 && x[0] == kAnyExtent && transpose.order[0] != 0)
        return context.unsupported("of the first extent, which counts rows,");
    Shape shape = x;
    for (std::size_t i = 0; i < x.rank(); ++i)
        shape.set(i, x[static_cast<std::size_t>(transpose.order[i])]);
    return shape;
}

}  // namespace bunch::shape_rules
