/// Element by element over tensors that are stretched to each other by ONNX's rules.
#pragma once

#include <algorithm>
#include <optional>

#include "backends/kernels/dims.h"
#include "backends/kernels/element.h"

namespace bunch::kernels {

/// The shape that `a` and `b` stretch to; nothing if they do not fit.
inline std::optional<Shape> stretched(const Shape& a, const Shape& b) {
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

/// Strides of `from`, in elements, for a walk over `to`: 0 where it is stretched.
inline Dims stretched_strides(const Shape& from, const Shape& to) {
    const Dims given(from), strides = given.strides();
    const auto rank = static_cast<std::int64_t>(to.rank());
    Dims result = Dims::filled(rank, 0);
    const std::int64_t offset = rank - given.rank();
    for (std::int64_t i = 0; i < given.rank(); ++i)
        if (given[i] != 1) result[offset + i] = strides[i];
    return result;
}

/// y = f(a, b) for each element of y; y has the stretched shape.
template <typename A, typename B, typename Y, typename F>
void zip(const ConstTensorView& a, const ConstTensorView& b, const TensorView& y, F f) {
    const A* from_a = data<A>(a);
    const B* from_b = data<B>(b);
    Y* to = data<Y>(y);
    Dims extents(y.shape);
    if (extents.product() == 0) return;
    if (extents.rank() == 0) extents.push(1);
    const Shape shape = extents.shape();
    Dims strides_a = stretched_strides(a.shape, shape),
         strides_b = stretched_strides(b.shape, shape);
    // Extents that both tensors walk through without a gap are one extent.
    std::int64_t inner = 1, step_a = 0, step_b = 0, last = extents.rank();
    while (last > 0) {
        const std::int64_t i = last - 1;
        const bool first = last == extents.rank() || inner == 1;
        if (first) {
            step_a = strides_a[i], step_b = strides_b[i];
        } else if (strides_a[i] != step_a * inner || strides_b[i] != step_b * inner) {
            break;
        }
        inner *= extents[i];
        --last;
    }
    Dims outer;
    for (std::int64_t i = 0; i < last; ++i) outer.push(extents[i]);
    for_each_offset(outer, strides_a, strides_b, [&](std::int64_t at_a, std::int64_t at_b) {
        const A* pa = from_a + at_a;
        const B* pb = from_b + at_b;
        if (step_a == 1 && step_b == 1) {
            for (std::int64_t i = 0; i < inner; ++i) to[i] = f(pa[i], pb[i]);
        } else if (step_a == 1 && step_b == 0) {
            for (std::int64_t i = 0; i < inner; ++i) to[i] = f(pa[i], *pb);
        } else if (step_a == 0 && step_b == 1) {
            for (std::int64_t i = 0; i < inner; ++i) to[i] = f(*pa, pb[i]);
        } else {
            for (std::int64_t i = 0; i < inner; ++i) to[i] = f(pa[i * step_a], pb[i * step_b]);
        }
        to += inner;
    });
}

/// Output 0 = f(input 0, input 1), stretched, of element type `type`.
template <typename T, typename Y, typename F>
Status zip_inputs(Run& run, DataType type, F f) {
    const auto shape = stretched(run.input(0).shape, run.input(1).shape);
    if (!shape || run.input(0).type != run.input(1).type) return run.misfit();
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, type, *shape));
    zip<T, T, Y>(run.input(0), run.input(1), y, f);
    return ok_status();
}

}  // namespace bunch::kernels
