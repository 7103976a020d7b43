#include "backends/kernels/convolution.h"

#include <algorithm>

#include "backends/kernels/element.h"
#include "backends/kernels/registry.h"

namespace bunch::kernels {

Result<ConvAttributes> conv_attributes(Node& node) {
    ConvAttributes given;
    BUNCH_ASSIGN_OR_RETURN(given.window, window_attributes(node));
    given.groups = node.attributes.integer("group", 1);
    if (given.groups < 1 || given.groups > (1 << 20))
        return node.wrong("has group = " + std::to_string(given.groups));
    return given;
}

Result<ConvShape> conv_shape(const Run& run, const ConvAttributes& given, const Shape& x,
                             const Shape& w, bool transposed) {
    const Dims dx(x), dw(w);
    if (dx.rank() < 3 || dx.rank() > 5 || dw.rank() != dx.rank())
        return run.misfit("but one to three spatial dimensions are supported");
    Dims input, kernel;
    for (std::int64_t i = 2; i < dx.rank(); ++i) input.push(dx[i]), kernel.push(dw[i]);
    ConvShape s;
    s.rows = dx[0], s.inputs = dx[1], s.groups = given.groups;
    s.outputs = transposed ? dw[1] * given.groups : dw[0];
    const bool fits = transposed ? dw[0] == s.inputs && s.inputs % s.groups == 0
                                 : s.outputs % s.groups == 0 && dw[1] * s.groups == s.inputs;
    if (!fits || s.outputs < 1 || s.inputs < 1) return run.misfit();
    Result<Window> window = transposed ? settle_transposed(run, given.window, input, kernel)
                                       : settle_window(run, given.window, input, kernel);
    if (!window.ok()) return window.status();
    s.window = *window;
    Dims shape(Shape{s.rows, s.outputs});
    for (std::int64_t i = 0; i < s.window.rank; ++i) shape.push(s.window.output[i]);
    s.shape = shape.shape();
    return s;
}

namespace {

Status check_bias(const Run& run, std::int64_t outputs) {
    if (run.input(0).type != run.input(1).type) return run.misfit();
    if (run.has(2) &&
        (run.input(2).shape != Shape{outputs} || run.input(2).type != run.input(0).type))
        return run.misfit();
    return ok_status();
}

template <typename T>
void add_bias(const Run& run, const ConvShape& s, T* y) {
    if (!run.has(2)) return;
    const std::int64_t pixels = s.window.output.product();
    for (std::int64_t i = 0; i < s.rows * s.outputs; ++i)
        for (std::int64_t p = 0; p < pixels; ++p)
            y[i * pixels + p] += data<T>(run.input(2))[i % s.outputs];
}

Status convolution(Run& run, const ConvAttributes& given) {
    BUNCH_ASSIGN_OR_RETURN(const ConvShape s,
                           conv_shape(run, given, run.input(0).shape, run.input(1).shape, false));
    BUNCH_RETURN_IF_ERROR(check_bias(run, s.outputs));
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, run.input(0).type, s.shape));
    return for_floats(run, y.type, [&](auto tag) {
        using T = decltype(tag);
        const std::vector<T> zeros(static_cast<std::size_t>(s.outputs));
        convolve<T, T, T>(s, data<T>(run.input(0)), data<T>(run.input(1)), data<T>(y), T{},
                          zeros.data());
        add_bias(run, s, data<T>(y));
        return ok_status();
    });
}

// Every input element is spread over the outputs that its window covers.
template <typename T>
void spread(const ConvShape& s, const T* x, const T* w, T* y) {
    Window window = s.window;  // seen from the output: it is the larger one
    std::swap(window.input, window.output);
    const std::int64_t area = s.window.input.product(), pixels = s.window.output.product();
    const std::int64_t taps = window.kernel.product(), in = s.inputs / s.groups,
                       out = s.outputs / s.groups;
    for (std::int64_t n = 0; n < s.rows; ++n) {
        Dims at = Dims::filled(window.rank, 0);
        for (std::int64_t p = 0; p < area; ++p, step(at, window.output))
            for_each_tap(window, at, [&](std::int64_t to, std::int64_t tap) {
                for (std::int64_t c = 0; c < s.inputs; ++c) {
                    const T factor = x[(n * s.inputs + c) * area + p];
                    const std::int64_t first = c / in * out;
                    for (std::int64_t m = 0; m < out; ++m)
                        y[(n * s.outputs + first + m) * pixels + to] +=
                            factor * w[(c * out + m) * taps + tap];
                }
            });
    }
}

Status transposed(Run& run, const ConvAttributes& given) {
    BUNCH_ASSIGN_OR_RETURN(const ConvShape s,
                           conv_shape(run, given, run.input(0).shape, run.input(1).shape, true));
    BUNCH_RETURN_IF_ERROR(check_bias(run, s.outputs));
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, run.input(0).type, s.shape));
    std::fill(y.bytes.begin(), y.bytes.end(), std::byte{0});
    return for_floats(run, y.type, [&](auto tag) {
        using T = decltype(tag);
        spread(s, data<T>(run.input(0)), data<T>(run.input(1)), data<T>(y));
        add_bias(run, s, data<T>(y));
        return ok_status();
    });
}

Result<Kernel> make_conv(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 3));
    BUNCH_ASSIGN_OR_RETURN(const ConvAttributes given, conv_attributes(node));
    return Kernel([given](Run& run) { return convolution(run, given); });
}

Result<Kernel> make_transposed(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 3));
    BUNCH_ASSIGN_OR_RETURN(ConvAttributes given, conv_attributes(node));
    given.window.output_padding = node.attributes.integers("output_padding");
    given.window.output_shape = node.attributes.integers("output_shape");
    return Kernel([given](Run& run) { return transposed(run, given); });
}

constexpr Entry kEntries[] = {{"Conv", make_conv}, {"ConvTranspose", make_transposed}};

}  // namespace

std::span<const Entry> convolution_entries() {
    return kEntries;
}

}  // namespace bunch::kernels
