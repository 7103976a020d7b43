/// Conv and ConvTranspose by plain loops in 1, 2 and 3 dimensions, and what of them oneDNN's form
/// shares: see backends/cpu.
#pragma once

#include <algorithm>

#include "backends/kernels/window.h"

namespace bunch::kernels {

struct ConvAttributes {
    WindowAttributes window;
    std::int64_t groups = 1;
};

Result<ConvAttributes> conv_attributes(Node& node);

/// One convolution whose shapes are known and fit.
struct ConvShape {
    Window window;
    std::int64_t rows = 0, inputs = 0, outputs = 0, groups = 1;
    Shape shape;  ///< of the result
};

/// For x[n,c,...], w[m,c/groups,...]; transposed: w[c,m/groups,...].
Result<ConvShape> conv_shape(const Run& run, const ConvAttributes& given, const Shape& x,
                             const Shape& w, bool transposed);

/// Calls f(input offset, weight offset) for every pair of spatial places that meet in output `at`
/// (an index into the output's spatial extents). Skips taps on padding at once: a window may be far
/// larger than its input.
template <typename F>
void for_each_tap(const Window& w, const Dims& at, F f) {
    Dims first, past, tap;
    for (std::int64_t i = 0; i < w.rank; ++i) {
        const std::int64_t begin = at[i] * w.strides[i] - w.pads_begin[i], step = w.dilations[i];
        const std::int64_t skipped = begin < 0 ? (-begin + step - 1) / step : 0;
        const std::int64_t room = w.input[i] - begin;
        first.push(skipped);
        past.push(room <= 0 ? 0 : std::min(w.kernel[i], (room + step - 1) / step));
        tap.push(skipped);
        if (first[i] >= past[i]) return;
    }
    while (true) {
        std::int64_t from = 0, weight = 0;
        for (std::int64_t i = 0; i < w.rank; ++i) {
            const std::int64_t x = at[i] * w.strides[i] - w.pads_begin[i] + tap[i] * w.dilations[i];
            from = from * w.input[i] + x;
            weight = weight * w.kernel[i] + tap[i];
        }
        f(from, weight);
        std::int64_t i = w.rank;
        while (i-- > 0) {
            if (++tap[i] < past[i]) break;
            tap[i] = first[i];
        }
        if (i < 0) return;
    }
}

/// Steps `at` to the next index of `extents`.
inline void step(Dims& at, const Dims& extents) {
    for (std::int64_t i = extents.rank(); i-- > 0;) {
        if (++at[i] < extents[i]) return;
        at[i] = 0;
    }
}

/// y = sum of (x - x_zero) * (w - w_zero), in Y. w_zero has one number per output channel.
template <typename X, typename W, typename Y>
void convolve(const ConvShape& s, const X* x, const W* w, Y* y, Y x_zero, const Y* w_zero) {
    const std::int64_t area = s.window.input.product(), pixels = s.window.output.product();
    const std::int64_t taps = s.window.kernel.product();
    const std::int64_t in = s.inputs / s.groups, out = s.outputs / s.groups;
    for (std::int64_t n = 0; n < s.rows; ++n) {
        Dims at = Dims::filled(s.window.rank, 0);
        for (std::int64_t p = 0; p < pixels; ++p, step(at, s.window.output)) {
            for (std::int64_t m = 0; m < s.outputs; ++m) y[(n * s.outputs + m) * pixels + p] = Y{};
            for_each_tap(s.window, at, [&](std::int64_t from, std::int64_t tap) {
                for (std::int64_t m = 0; m < s.outputs; ++m) {
                    const X* source = x + (n * s.inputs + m / out * in) * area + from;
                    const W* weight = w + m * in * taps + tap;
                    Y total{};
                    for (std::int64_t c = 0; c < in; ++c)
                        total += (static_cast<Y>(source[c * area]) - x_zero) *
                                 (static_cast<Y>(weight[c * taps]) - w_zero[m]);
                    y[(n * s.outputs + m) * pixels + p] += total;
                }
            });
        }
    }
}

}  // namespace bunch::kernels
