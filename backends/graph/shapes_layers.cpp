// Shapes of layers with weights, and of windows that slide.
#include <algorithm>

#include "backends/graph/shape_rules.h"

namespace bunch::shape_rules {
namespace {

// Turns automatic padding of dimension `i` into pads.
void settle_pads(Window& window, std::size_t i, std::int64_t extent, std::int64_t reach) {
    if (window.auto_pad == AutoPad::explicit_pads) return;
    std::int64_t total = 0;
    if (window.auto_pad != AutoPad::valid) {
        const std::int64_t outputs = (extent + window.strides[i] - 1) / window.strides[i];
        total = std::max<std::int64_t>(0, (outputs - 1) * window.strides[i] + reach - extent);
    }
    const bool more_at_begin = window.auto_pad == AutoPad::same_lower;
    window.pads_begin[i] = more_at_begin ? total - total / 2 : total / 2;
    window.pads_end[i] = total - window.pads_begin[i];
}

// The extent of dimension `i` after the window; grows pads_end where ceil_mode asks for it.
std::int64_t slide(Window& window, std::size_t i, std::int64_t extent) {
    const std::int64_t reach = (window.kernel[i] - 1) * window.dilations[i] + 1;
    settle_pads(window, i, extent, reach);
    const std::int64_t padded = extent + window.pads_begin[i] + window.pads_end[i];
    if (padded < reach) return 0;
    std::int64_t outputs = (padded - reach) / window.strides[i] + 1;
    const std::int64_t rest = (padded - reach) % window.strides[i];
    // A further window counts only if it begins inside the image or the padding before it.
    if (window.ceil_mode && rest != 0 &&
        outputs * window.strides[i] < extent + window.pads_begin[i]) {
        ++outputs;
        window.pads_end[i] += window.strides[i] - rest;
    }
    return outputs;
}

Result<Shape> slide_both(const Context& context, Window& window, std::int64_t channels) {
    const Shape& x = context.input(0);
    const std::int64_t height = slide(window, 0, x[2]);
    const std::int64_t width = slide(window, 1, x[3]);
    window.auto_pad = AutoPad::explicit_pads;
    window.ceil_mode = false;
    if (height < 1 || width < 1)
        return context.wrong("has a window larger than its input " + x.to_string());
    return Shape{x[0], channels, height, width};
}

Status check_bias(const Context& context, std::int64_t channels) {
    if (!context.has(2)) return ok_status();
    const Shape& bias = context.input(2);
    if (bias.rank() == 1 && bias[0] == channels) return ok_status();
    return context.wrong("has a bias of shape " + bias.to_string() + " where [" +
                         std::to_string(channels) + "] is needed");
}

}  // namespace

Result<Shape> conv(const Context& context, Conv& conv) {
    const Shape& x = context.input(0);
    const Shape& weights = context.input(1);
    if (x.rank() != 4) return context.unsupported("on an input of shape " + x.to_string());
    if (conv.groups < 1 || weights[0] % conv.groups != 0 || weights[0] < 1 ||
        x[1] % conv.groups != 0 || weights[1] != x[1] / conv.groups)
        return context.wrong("has weights " + weights.to_string() + " in " +
                             std::to_string(conv.groups) + " groups, which do not fit its input " +
                             x.to_string());
    BUNCH_RETURN_IF_ERROR(check_bias(context, weights[0]));
    return slide_both(context, conv.window, weights[0]);
}

Result<Shape> dense(const Context& context) {
    const Shape& x = context.input(0);
    const Shape& weights = context.input(1);
    if (!context.graph.at(context.node.inputs[1]).constant || weights.rank() != 2)
        return context.wrong("has no constant matrix as weights");
    if (x.rank() < 2) return context.unsupported("on an input of shape " + x.to_string());
    if (x[x.rank() - 1] != weights[0])
        return context.wrong("has weights " + weights.to_string() +
                             ", which do not fit its input " + x.to_string());
    BUNCH_RETURN_IF_ERROR(check_bias(context, weights[1]));
    Shape shape = x;
    shape.set(shape.rank() - 1, weights[1]);
    return shape;
}

Result<Shape> mat_mul(const Context& context) {
    const Shape& a = context.input(0);
    const Shape& b = context.input(1);
    const std::size_t rank = a.rank();
    bool fits = rank >= 2 && rank == b.rank();
    for (std::size_t i = 0; fits && i + 2 < rank; ++i) fits = a[i] == b[i];
    if (!fits || a[rank - 1] != b[rank - 2])
        return context.unsupported("of " + a.to_string() + " and " + b.to_string());
    if (rank == 2 && (a[0] == kAnyExtent || b[0] == kAnyExtent) &&
        !context.graph.at(context.node.inputs[1]).constant)
        return context.unsupported("across rows");
    Shape shape = a;
    shape.set(rank - 1, b[rank - 1]);
    return shape;
}

Result<Shape> pool(const Context& context, Pool& pool) {
    const Shape& x = context.input(0);
    if (x.rank() != 4) return context.unsupported("on an input of shape " + x.to_string());
    if (pool.global) pool.window.kernel = {x[2], x[3]};
    return slide_both(context, pool.window, x[1]);
}

}  // namespace bunch::shape_rules
