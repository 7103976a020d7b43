// Pools: MaxPool, AveragePool, LpPool, their global forms, and MaxUnpool.
#include <algorithm>
#include <cmath>
#include <limits>

#include "backends/kernels/convolution.h"
#include "backends/kernels/element.h"
#include "backends/kernels/registry.h"

namespace bunch::kernels {
namespace {

enum class Kind : std::uint8_t { most, mean, norm };

struct Options {
    Kind kind = Kind::most;
    WindowAttributes window;
    bool global = false, counts_padding = false, column_major = false;
    std::int64_t p = 2;
};

// How many taps of the window at `at` lie on the input or its padding (but not beyond: ceil mode).
std::int64_t padded_taps(const Window& w, const Dims& at) {
    std::int64_t taps = 1;
    for (std::int64_t i = 0; i < w.rank; ++i) {
        const std::int64_t room =
            w.input[i] + w.pads_begin[i] + w.pads_end[i] - at[i] * w.strides[i];
        const std::int64_t inside =
            std::min(w.kernel[i], (room + w.dilations[i] - 1) / w.dilations[i]);
        taps *= inside;
    }
    return taps;
}

template <typename T>
T average(const Options& options, const Window& w, const Dims& at, const T* x) {
    double total = 0;
    std::int64_t taps = 0;
    for_each_tap(w, at, [&](std::int64_t from, std::int64_t) {
        total += static_cast<double>(x[from]);
        ++taps;
    });
    if (options.counts_padding) taps = padded_taps(w, at);
    return taps == 0 ? T{} : static_cast<T>(total / static_cast<double>(taps));
}

template <typename T>
T norm(const Options& options, const Window& w, const Dims& at, const T* x) {
    double total = 0;
    const auto p = static_cast<double>(options.p);
    for_each_tap(w, at, [&](std::int64_t from, std::int64_t) {
        total += std::pow(std::abs(static_cast<double>(x[from])), p);
    });
    return static_cast<T>(std::pow(total, 1 / p));
}

// Where the largest element is; -1 if the window covers padding only. NaN counts as none, as in
// oneDNN; what ONNX Runtime makes of it depends on where in the window it is.
template <typename T>
std::int64_t largest(const Window& w, const Dims& at, const T* x) {
    std::int64_t best = -1;
    for_each_tap(w, at, [&](std::int64_t from, std::int64_t) {
        if (x[from] == x[from] && (best < 0 || x[from] > x[best])) best = from;
    });
    return best;
}

std::int64_t column_major(std::int64_t index, const Dims& extents) {
    std::int64_t result = 0, stride = 1;
    Dims at = Dims::filled(extents.rank(), 0);
    for (std::int64_t i = extents.rank(); i-- > 0; index /= extents[i]) at[i] = index % extents[i];
    for (std::int64_t i = 0; i < extents.rank(); ++i, stride *= extents[i - 1])
        result += at[i] * stride;
    return result;
}

Status pool(Run& run, const Options& options) {
    const ConstTensorView& x = run.input(0);
    const Dims e(x.shape);
    if (e.rank() < 3) return run.misfit("but has no spatial dimension");
    Dims input;
    for (std::int64_t i = 2; i < e.rank(); ++i) input.push(e[i]);
    BUNCH_ASSIGN_OR_RETURN(
        const Window w, settle_window(run, options.window, input, options.global ? input : Dims()));
    Dims shape(Shape{e[0], e[1]});
    for (std::int64_t i = 0; i < w.rank; ++i) shape.push(w.output[i]);
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, shape.shape()));
    TensorView indexes;
    if (run.wants(1)) {
        BUNCH_ASSIGN_OR_RETURN(indexes, run.output(1, DataType::i64, shape.shape()));
    }
    const std::int64_t area = input.product(), pixels = w.output.product();
    return for_numbers(run, x.type, [&](auto tag) {
        using T = decltype(tag);
        for (std::int64_t i = 0; i < e[0] * e[1]; ++i) {
            Dims at = Dims::filled(w.rank, 0);
            const T* from = data<T>(x) + i * area;
            for (std::int64_t p = i * pixels; p < (i + 1) * pixels; ++p, step(at, w.output)) {
                T& to = data<T>(y)[p];
                if (options.kind == Kind::mean) to = average(options, w, at, from);
                if (options.kind == Kind::norm) to = norm(options, w, at, from);
                if (options.kind != Kind::most) continue;
                const std::int64_t best = largest(w, at, from);
                to = best < 0 ? std::numeric_limits<T>::lowest() : from[best];
                if (run.wants(1))
                    data<std::int64_t>(indexes)[p] =
                        i * area +
                        (options.column_major && best >= 0 ? column_major(best, input) : best);
            }
        }
        return ok_status();
    });
}

Result<Kernel> make(Node& node, Kind kind, bool global) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    Options options;
    options.kind = kind;
    options.global = global;
    if (!global) {
        if (!node.attributes.has("kernel_shape")) return node.wrong("has no kernel_shape");
        BUNCH_ASSIGN_OR_RETURN(options.window, window_attributes(node));
        options.window.ceil = node.attributes.integer("ceil_mode", 0) != 0;
        if (kind == Kind::most)
            options.column_major = node.attributes.integer("storage_order", 0) != 0;
        if (kind == Kind::mean)
            options.counts_padding = node.attributes.integer("count_include_pad", 0) != 0;
    }
    if (kind == Kind::norm) options.p = node.attributes.integer("p", 2);
    if (options.p < 1) return node.wrong("has p = " + std::to_string(options.p));
    return Kernel([options](Run& run) { return pool(run, options); });
}

Status unpool(Run& run, const WindowAttributes& given) {
    const ConstTensorView& x = run.input(0);
    const Dims e(x.shape);
    if (e.rank() < 3 || run.input(1).shape != x.shape) return run.misfit();
    Dims input, kernel;
    for (std::int64_t i = 2; i < e.rank(); ++i) input.push(e[i]);
    BUNCH_ASSIGN_OR_RETURN(const Window w, settle_transposed(run, given, input, kernel));
    Dims own(Shape{e[0], e[1]});
    for (std::int64_t i = 0; i < w.rank; ++i) own.push(w.output[i]);
    Dims shape = own;
    if (run.has(2)) {
        BUNCH_ASSIGN_OR_RETURN(const Integers wanted, integers_of(run, 2));
        const auto other = Shape::from(wanted);
        if (!other || other->is_open() || other->rank() != x.shape.rank()) return run.misfit();
        shape = Dims(*other);
    }
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, shape.shape()));
    std::fill(y.bytes.begin(), y.bytes.end(), std::byte{0});
    BUNCH_ASSIGN_OR_RETURN(const Integers indexes, integers_of(run, 1));
    const Dims from = own.strides(), to = shape.strides();
    for (std::int64_t i = 0; i < count(x); ++i) {
        // The index counts within the tensor that the pool had read, which may be smaller.
        std::int64_t rest = indexes[static_cast<std::size_t>(i)], at = 0;
        for (std::int64_t d = 0; d < own.rank(); ++d) {
            const std::int64_t here = from[d] == 0 ? 0 : rest / from[d];
            if (rest < 0 || here >= shape[d])
                return run.wrong("has an index outside what it makes");
            at += here * to[d], rest -= here * from[d];
        }
        const std::size_t size = size_of(x.type);
        std::copy_n(x.bytes.data() + static_cast<std::size_t>(i) * size, size,
                    y.bytes.data() + static_cast<std::size_t>(at) * size);
    }
    return ok_status();
}

Result<Kernel> make_unpool(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 3));
    if (!node.attributes.has("kernel_shape")) return node.wrong("has no kernel_shape");
    BUNCH_ASSIGN_OR_RETURN(const WindowAttributes window, window_attributes(node));
    return Kernel([window](Run& run) { return unpool(run, window); });
}

const Entry kEntries[] = {
    {"MaxPool", [](Node& n) { return make(n, Kind::most, false); }},
    {"AveragePool", [](Node& n) { return make(n, Kind::mean, false); }},
    {"LpPool", [](Node& n) { return make(n, Kind::norm, false); }},
    {"GlobalMaxPool", [](Node& n) { return make(n, Kind::most, true); }},
    {"GlobalAveragePool", [](Node& n) { return make(n, Kind::mean, true); }},
    {"GlobalLpPool", [](Node& n) { return make(n, Kind::norm, true); }},
    {"MaxUnpool", make_unpool, Halves::native},
};

}  // namespace

std::span<const Entry> pool_entries() {
    return kEntries;
}

}  // namespace bunch::kernels
