// Resize and Upsample: nearest, linear and cubic, one dimension after the other.
#include <algorithm>
#include <cmath>
#include <limits>

#include "backends/kernels/dims.h"
#include "backends/kernels/element.h"
#include "backends/kernels/registry.h"

namespace bunch::kernels {
namespace {

struct Options {
    std::string mode = "nearest", transform = "half_pixel", rounding = "round_prefer_floor";
    double cubic = -0.75, outside_value = 0;
    bool exclude_outside = false;
};

/// What one output index reads along one dimension.
struct Taps {
    std::vector<std::int64_t> index;
    std::vector<double> weight;
    bool outside = false;  ///< tf_crop_and_resize: beyond the input
};

struct Axis {
    std::int64_t input = 1, output = 1;
    double scale = 1, begin = 0, end = 1;
};

double source(const Options& options, const Axis& a, std::int64_t i) {
    const auto x = static_cast<double>(i), in = static_cast<double>(a.input),
               out = static_cast<double>(a.output);
    const std::string& how = options.transform;
    if (how == "asymmetric") return x / a.scale;
    if (how == "align_corners") return a.output == 1 ? 0 : x * (in - 1) / (out - 1);
    if (how == "pytorch_half_pixel") return a.output > 1 ? (x + 0.5) / a.scale - 0.5 : 0;
    if (how == "tf_half_pixel_for_nn") return (x + 0.5) / a.scale;
    if (how == "tf_crop_and_resize")
        return a.output > 1 ? a.begin * (in - 1) + x * (a.end - a.begin) * (in - 1) / (out - 1)
                            : 0.5 * (a.begin + a.end) * (in - 1);
    return (x + 0.5) / a.scale - 0.5;
}

double rounded(const Options& options, double x) {
    if (options.rounding == "floor") return std::floor(x);
    if (options.rounding == "ceil") return std::ceil(x);
    if (options.rounding == "round_prefer_ceil") return std::floor(x + 0.5);
    return std::ceil(x - 0.5);
}

void cubic_weights(double a, double t, double* w) {
    w[0] = ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a;
    w[1] = ((a + 2) * t - (a + 3)) * t * t + 1;
    w[2] = ((a + 2) * (1 - t) - (a + 3)) * (1 - t) * (1 - t) + 1;
    w[3] = ((a * (2 - t) - 5 * a) * (2 - t) + 8 * a) * (2 - t) - 4 * a;
}

Taps taps_of(const Options& options, const Axis& a, std::int64_t i) {
    Taps taps;
    const double most = static_cast<double>(a.input - 1);
    double x = source(options, a, i);
    if (!std::isfinite(x)) x = 0;
    taps.outside = options.transform == "tf_crop_and_resize" && (x < 0 || x > most);
    x = std::clamp(x, -4.0, most + 4);
    const auto add = [&](double at, double weight) {
        if (options.exclude_outside && (at < 0 || at > most)) return;
        taps.index.push_back(static_cast<std::int64_t>(std::clamp(at, 0.0, most)));
        taps.weight.push_back(weight);
    };
    if (options.mode == "nearest") {
        add(std::clamp(rounded(options, x), 0.0, most), 1);
    } else if (options.mode == "linear") {
        x = std::clamp(x, 0.0, most);
        const double floor = std::floor(x), t = x - floor;
        add(floor, 1 - t);
        if (t > 0) add(floor + 1, t);
    } else {
        const double floor = std::floor(x);
        double w[4], total = 0;
        cubic_weights(options.cubic, x - floor, w);
        for (int k = 0; k < 4; ++k) add(floor - 1 + k, w[k]);
        for (const double weight : taps.weight) total += weight;
        for (double& weight : taps.weight)
            if (options.exclude_outside && total != 0) weight /= total;
    }
    return taps;
}

// One dimension: x[outer, a.input, inner] to y[outer, a.output, inner].
template <typename From, typename To>
void resize_axis(const Options& options, const Axis& a, const From* x, To* y, std::int64_t outer,
                 std::int64_t inner) {
    for (std::int64_t i = 0; i < a.output; ++i) {
        const Taps taps = taps_of(options, a, i);
        for (std::int64_t o = 0; o < outer; ++o)
            for (std::int64_t e = 0; e < inner; ++e) {
                double total = 0;
                for (std::size_t t = 0; t < taps.index.size(); ++t)
                    total += taps.weight[t] *
                             static_cast<double>(x[(o * a.input + taps.index[t]) * inner + e]);
                y[(o * a.output + i) * inner + e] =
                    static_cast<To>(taps.outside ? options.outside_value : total);
            }
    }
}

template <typename T>
void resize(const Options& options, const std::vector<Axis>& axes, const T* x,
            const TensorView& y) {
    std::vector<double> now, next;
    std::int64_t elements = 1;
    for (const Axis& a : axes) elements *= a.input;
    now.assign(x, x + elements);
    for (std::size_t d = 0; d < axes.size(); ++d) {
        const Axis& a = axes[d];
        const bool same =
            a.input == a.output && a.scale == 1 && options.transform != "tf_crop_and_resize";
        if (same) continue;
        std::int64_t outer = 1, inner = 1;
        for (std::size_t i = 0; i < d; ++i) outer *= axes[i].output;
        for (std::size_t i = d + 1; i < axes.size(); ++i) inner *= axes[i].input;
        next.assign(static_cast<std::size_t>(outer * a.output * inner), 0);
        resize_axis(options, a, now.data(), next.data(), outer, inner);
        now.swap(next);
    }
    for (std::size_t i = 0; i < now.size(); ++i)
        data<T>(y)[i] = static_cast<T>(std::is_integral_v<T> ? std::nearbyint(now[i]) : now[i]);
}

// Scales in one input, sizes in another, the region of tf_crop_and_resize in a third; -1: none.
Status run_resize(Run& run, const Options& options, const Floats& fixed, std::int64_t region,
                  std::int64_t scales, std::int64_t sizes) {
    const ConstTensorView& x = run.input(0);
    const Dims e(x.shape);
    const auto rank = static_cast<std::size_t>(e.rank());
    Floats given = fixed;
    Integers wanted;
    if (scales >= 0 && run.has(scales) && run.input(scales).type == DataType::f32)
        given.assign(data<float>(run.input(scales)),
                     data<float>(run.input(scales)) + count(run.input(scales)));
    if (sizes >= 0 && run.has(sizes)) {
        BUNCH_ASSIGN_OR_RETURN(wanted, integers_of(run, sizes));
    }
    if ((wanted.empty() ? given.size() : wanted.size()) != rank)
        return run.misfit("but needs a scale or a size per dimension");
    std::vector<Axis> axes(rank);
    Dims shape;
    const bool crop = options.transform == "tf_crop_and_resize";
    if (crop && (region < 0 || !run.has(region) || run.input(region).type != DataType::f32 ||
                 count(run.input(region)) != 2 * e.rank()))
        return run.misfit("but needs a region of as many dimensions");
    for (std::size_t d = 0; d < rank; ++d) {
        Axis& a = axes[d];
        const auto i = static_cast<std::int64_t>(d);
        a.input = e[i];
        if (crop)
            a.begin = static_cast<double>(data<float>(run.input(region))[i]),
            a.end = static_cast<double>(data<float>(run.input(region))[i + e.rank()]);
        a.scale = wanted.empty() ? static_cast<double>(given[d])
                                 : static_cast<double>(wanted[d]) /
                                       static_cast<double>(std::max<std::int64_t>(a.input, 1));
        const double out =
            wanted.empty()
                ? std::floor(static_cast<double>(a.input) * (crop ? a.end - a.begin : 1) * a.scale)
                : static_cast<double>(wanted[d]);
        if (!(a.scale > 0) || !(out >= 0 && out <= 0x1p40))
            return run.wrong("has a scale or size that is not positive");
        a.output = static_cast<std::int64_t>(out);
        shape.push(a.output);
    }
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, shape.shape()));
    if (y.bytes.empty() || x.bytes.empty())
        return x.bytes.empty() && !y.bytes.empty() ? run.misfit("but has nothing to resize")
                                                   : ok_status();
    // Each dimension in turn grows or shrinks: what lies between must not be larger than both.
    Dims between;
    for (const Axis& a : axes) between.push(std::max(a.input, a.output));
    const auto bytes = byte_size(DataType::f64, between.shape());
    if (!bytes) return run.wrong("needs too much memory");
    BUNCH_RETURN_IF_ERROR(run.scratch(2 * *bytes).status());
    return for_numbers(run, x.type, [&](auto tag) {
        resize(options, axes, data<decltype(tag)>(x), y);
        return ok_status();
    });
}

Result<Kernel> make_resize(Node& node) {
    Options options;
    options.mode = node.attributes.text("mode", "nearest");
    if (options.mode != "nearest" && options.mode != "linear" && options.mode != "cubic")
        return node.unsupported("with mode = '" + options.mode + "'");
    if (node.opset() < 11) {
        BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 2));
        options.transform = "asymmetric", options.rounding = "floor";
        return Kernel([options](Run& run) { return run_resize(run, options, {}, -1, 1, -1); });
    }
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 4));
    options.transform = node.attributes.text("coordinate_transformation_mode", "half_pixel");
    options.rounding = node.attributes.text("nearest_mode", "round_prefer_floor");
    options.cubic = static_cast<double>(node.attributes.number("cubic_coeff_a", -0.75F));
    options.outside_value = static_cast<double>(node.attributes.number("extrapolation_value", 0));
    options.exclude_outside = node.attributes.integer("exclude_outside", 0) != 0;
    const std::string_view known[] = {"half_pixel", "pytorch_half_pixel",   "align_corners",
                                      "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize"};
    if (std::find(std::begin(known), std::end(known), options.transform) == std::end(known))
        return node.unsupported("with coordinate_transformation_mode = '" + options.transform +
                                "'");
    return Kernel([options](Run& run) { return run_resize(run, options, {}, 1, 2, 3); });
}

// What Resize was before opset 10; scales are an attribute in opset 7 and an input since.
Result<Kernel> make_upsample(Node& node) {
    Options options;
    options.mode = node.attributes.text("mode", "nearest");
    if (options.mode != "nearest" && options.mode != "linear")
        return node.unsupported("with mode = '" + options.mode + "'");
    options.transform = "asymmetric", options.rounding = "floor";
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 2));
    const Floats scales = node.opset() < 9 ? node.attributes.numbers("scales") : Floats();
    return Kernel(
        [options, scales](Run& run) { return run_resize(run, options, scales, -1, 1, -1); });
}

constexpr Entry kEntries[] = {{"Resize", make_resize}, {"Upsample", make_upsample}};

}  // namespace

std::span<const Entry> resize_entries() {
    return kEntries;
}

}  // namespace bunch::kernels
