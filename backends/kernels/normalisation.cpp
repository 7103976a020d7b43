// Batch, instance, layer, group normalisation and their like.
#include <algorithm>
#include <cmath>

#include "backends/kernels/broadcast.h"
#include "backends/kernels/registry.h"

namespace bunch::kernels {
namespace {

struct Moments {
    double mean = 0, variance = 0;
};

template <typename T>
Moments moments_of(const T* x, std::int64_t n) {
    Moments moments;
    for (std::int64_t i = 0; i < n; ++i) moments.mean += static_cast<double>(x[i]);
    moments.mean /= static_cast<double>(n);
    for (std::int64_t i = 0; i < n; ++i) {
        const double d = static_cast<double>(x[i]) - moments.mean;
        moments.variance += d * d;
    }
    moments.variance /= static_cast<double>(n);
    return moments;
}

// y = (x - centre) * factor + shift: in this form, as the others lose digits far from zero.
template <typename T>
void affine(const T* x, T* y, std::int64_t n, double centre, double factor, double shift) {
    const T c = static_cast<T>(centre), f = static_cast<T>(factor), s = static_cast<T>(shift);
    for (std::int64_t i = 0; i < n; ++i) y[i] = (x[i] - c) * f + s;
}

Status check_channels(const Run& run, std::int64_t first, std::int64_t past,
                      std::int64_t channels) {
    for (std::int64_t i = first; i < past; ++i)
        if (run.input(i).type != run.input(first).type || run.input(i).shape != Shape{channels})
            return run.misfit();
    return ok_status();
}

Status batch_norm(Run& run, double epsilon) {
    const ConstTensorView& x = run.input(0);
    const Dims e(x.shape);
    if (e.rank() < 1) return run.misfit();
    const std::int64_t channels = e.rank() > 1 ? e[1] : 1, inner = e.product(2, e.rank());
    BUNCH_RETURN_IF_ERROR(check_channels(run, 1, 5, channels));
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, x.shape));
    return for_floats(run, x.type, [&](auto tag) {
        using T = decltype(tag);
        if (run.input(1).type != x.type) return run.misfit();
        const auto parameter = [&](std::int64_t i, std::int64_t c) {
            return static_cast<double>(data<T>(run.input(i))[c]);
        };
        for (std::int64_t i = 0; i < e[0] * channels && inner > 0; ++i) {
            const std::int64_t c = i % channels;
            const double factor = parameter(1, c) / std::sqrt(parameter(4, c) + epsilon);
            affine(data<T>(x) + i * inner, data<T>(y) + i * inner, inner, parameter(3, c), factor,
                   parameter(2, c));
        }
        return ok_status();
    });
}

Result<Kernel> make_batch_norm(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(5, 5));
    const auto epsilon = static_cast<double>(node.attributes.number("epsilon", 1e-5F));
    node.attributes.ignore("momentum");
    if (node.attributes.integer("training_mode", 0) != 0 || node.wants_output(1))
        return node.unsupported("in training mode");
    if (node.attributes.integer("spatial", 1) != 1) return node.unsupported("with spatial = 0");
    return Kernel([epsilon](Run& run) { return batch_norm(run, epsilon); });
}

// Every group of `groups` per sample has its own moments; scale and shift belong to a channel
// (`per_group`: to a group, as in opset 18).
Status group_norm(Run& run, std::int64_t groups, bool per_group, double epsilon) {
    const ConstTensorView& x = run.input(0);
    const Dims e(x.shape);
    if (e.rank() < 2) return run.misfit();
    const std::int64_t channels = e[1], inner = e.product(2, e.rank());
    if (groups == 0) groups = channels;
    if (groups < 1 || channels % groups != 0)
        return run.wrong("has groups that do not fit its input");
    BUNCH_RETURN_IF_ERROR(check_channels(run, 1, 3, per_group ? groups : channels));
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, x.shape));
    const std::int64_t width = channels / groups, n = width * inner;
    if (n == 0) return ok_status();
    return for_floats(run, x.type, [&](auto tag) {
        using T = decltype(tag);
        if (run.input(1).type != x.type) return run.misfit();
        for (std::int64_t i = 0; i < e[0] * groups; ++i) {
            const Moments moments = moments_of(data<T>(x) + i * n, n);
            for (std::int64_t c = 0; c < width; ++c) {
                const std::int64_t p = per_group ? i % groups : i % groups * width + c;
                const double factor = static_cast<double>(data<T>(run.input(1))[p]) /
                                      std::sqrt(moments.variance + epsilon);
                const std::int64_t at = i * n + c * inner;
                affine(data<T>(x) + at, data<T>(y) + at, inner, moments.mean, factor,
                       static_cast<double>(data<T>(run.input(2))[p]));
            }
        }
        return ok_status();
    });
}

Result<Kernel> make_instance_norm(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(3, 3));
    const auto epsilon = static_cast<double>(node.attributes.number("epsilon", 1e-5F));
    return Kernel([epsilon](Run& run) { return group_norm(run, 0, false, epsilon); });
}

Result<Kernel> make_group_norm(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(3, 3));
    const auto epsilon = static_cast<double>(node.attributes.number("epsilon", 1e-5F));
    const std::int64_t groups = node.attributes.integer("num_groups", -1);
    if (groups < 1) return node.wrong("has num_groups = " + std::to_string(groups));
    return Kernel([groups, epsilon](Run& run) { return group_norm(run, groups, true, epsilon); });
}

// Input `i` stretched to `extents`, in `room` unless it has them already; null if that cannot be.
template <typename T>
const T* stretched(const Run& run, std::int64_t i, const Dims& extents, std::vector<T>& room) {
    const Dims given(run.input(i).shape), strides = given.strides();
    if (count(run.input(i)) == extents.product()) return data<T>(run.input(i));
    const std::int64_t shift = extents.rank() - given.rank();
    if (shift < 0) return nullptr;
    Dims steps = Dims::filled(extents.rank(), 0);
    for (std::int64_t d = 0; d < given.rank(); ++d) {
        if (given[d] != 1 && given[d] != extents[d + shift]) return nullptr;
        if (given[d] != 1) steps[d + shift] = strides[d];
    }
    for_each_offset(extents, steps, steps, [&](std::int64_t at, std::int64_t) {
        room.push_back(data<T>(run.input(i))[at]);
    });
    return room.data();
}

Status layer_norm(Run& run, std::int64_t given_axis, double epsilon) {
    const ConstTensorView& x = run.input(0);
    const Dims e(x.shape);
    BUNCH_ASSIGN_OR_RETURN(const std::int64_t axis, settle_axis(run, given_axis, e.rank()));
    const std::int64_t n = e.product(axis, e.rank()), lines = e.product(0, axis);
    Dims reduced = e, normalised;
    for (std::int64_t i = axis; i < e.rank(); ++i) reduced[i] = 1, normalised.push(e[i]);
    for (std::int64_t i = 1; i < 3; ++i)
        if (run.has(i) && run.input(i).type != x.type) return run.misfit();
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, x.shape));
    TensorView mean, deviation;
    if (run.wants(1)) {
        BUNCH_ASSIGN_OR_RETURN(mean, run.output(1, x.type, reduced.shape()));
    }
    if (run.wants(2)) {
        BUNCH_ASSIGN_OR_RETURN(deviation, run.output(2, x.type, reduced.shape()));
    }
    if (n == 0) return ok_status();
    return for_floats(run, x.type, [&](auto tag) {
        using T = decltype(tag);
        std::vector<T> scales, shifts;
        const T* scale = stretched(run, 1, normalised, scales);
        const T* shift = run.has(2) ? stretched(run, 2, normalised, shifts) : nullptr;
        if (scale == nullptr || (run.has(2) && shift == nullptr)) return run.misfit();
        for (std::int64_t l = 0; l < lines; ++l) {
            const T* from = data<T>(x) + l * n;
            T* to = data<T>(y) + l * n;
            const Moments moments = moments_of(from, n);
            const T inverse = static_cast<T>(1 / std::sqrt(moments.variance + epsilon));
            const T centre = static_cast<T>(moments.mean);
            for (std::int64_t i = 0; i < n; ++i)
                to[i] =
                    (from[i] - centre) * inverse * scale[i] + (shift != nullptr ? shift[i] : T{});
            if (run.wants(1)) data<T>(mean)[l] = centre;
            if (run.wants(2)) data<T>(deviation)[l] = inverse;
        }
        return ok_status();
    });
}

Result<Kernel> make_layer_norm(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 3));
    const std::int64_t axis = node.attributes.integer("axis", -1);
    const auto epsilon = static_cast<double>(node.attributes.number("epsilon", 1e-5F));
    if (node.attributes.integer("stash_type", 1) != 1)
        return node.unsupported("with this stash_type");
    return Kernel([axis, epsilon](Run& run) { return layer_norm(run, axis, epsilon); });
}

// (x - mean) / deviation over `axes`.
Status mean_variance(Run& run, const Integers& given) {
    const ConstTensorView& x = run.input(0);
    const Dims e(x.shape), strides = e.strides();
    Dims kept, kept_strides, gone, gone_strides;
    Integers axes = given;
    for (std::int64_t& axis : axes) {
        BUNCH_ASSIGN_OR_RETURN(axis, settle_axis(run, axis, e.rank()));
    }
    for (std::int64_t i = 0; i < e.rank(); ++i) {
        const bool goes = std::find(axes.begin(), axes.end(), i) != axes.end();
        (goes ? gone : kept).push(e[i]);
        (goes ? gone_strides : kept_strides).push(strides[i]);
    }
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, x.shape));
    if (y.bytes.empty()) return ok_status();
    const auto n = static_cast<double>(gone.product());
    return for_floats(run, x.type, [&](auto tag) {
        using T = decltype(tag);
        const T* from = data<T>(x);
        for_each_offset(kept, kept_strides, kept_strides, [&](std::int64_t at, std::int64_t) {
            double total = 0, squares = 0;
            const auto walk = [&](auto f) {
                for_each_offset(gone, gone_strides, gone_strides,
                                [&](std::int64_t i, std::int64_t) { f(at + i); });
            };
            walk([&](std::int64_t i) { total += static_cast<double>(from[i]); });
            const double mean = total / n;
            walk([&](std::int64_t i) {
                squares +=
                    (static_cast<double>(from[i]) - mean) * (static_cast<double>(from[i]) - mean);
            });
            const double deviation = std::sqrt(squares / n) + 1e-9;
            walk([&](std::int64_t i) {
                data<T>(y)[i] = static_cast<T>((static_cast<double>(from[i]) - mean) / deviation);
            });
        });
        return ok_status();
    });
}

Result<Kernel> make_mean_variance(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    Integers axes = node.attributes.integers("axes");
    if (!node.attributes.has("axes")) axes = {0, 2, 3};
    return Kernel([axes](Run& run) { return mean_variance(run, axes); });
}

Result<Kernel> make_lp_norm(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    const std::int64_t given = node.attributes.integer("axis", -1),
                       p = node.attributes.integer("p", 2);
    if (p != 1 && p != 2) return node.wrong("has p = " + std::to_string(p));
    return Kernel([given, p](Run& run) {
        const ConstTensorView& x = run.input(0);
        const Dims e(x.shape);
        BUNCH_ASSIGN_OR_RETURN(const std::int64_t axis, settle_axis(run, given, e.rank()));
        BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, x.shape));
        const std::int64_t n = e[axis], step = e.product(axis + 1, e.rank());
        if (y.bytes.empty()) return ok_status();
        return for_floats(run, x.type, [&](auto tag) {
            using T = decltype(tag);
            for (std::int64_t l = 0; l < count(x) / n; ++l) {
                const std::int64_t at = l / step * n * step + l % step;
                double total = 0;
                for (std::int64_t i = 0; i < n; ++i) {
                    const auto v = static_cast<double>(data<T>(x)[at + i * step]);
                    total += p == 1 ? std::abs(v) : v * v;
                }
                const double norm = p == 1 ? total : std::sqrt(total);
                for (std::int64_t i = 0; i < n; ++i)
                    data<T>(y)[at + i * step] =
                        norm == 0
                            ? T{}
                            : static_cast<T>(static_cast<double>(data<T>(x)[at + i * step]) / norm);
            }
            return ok_status();
        });
    });
}

// Each element over the squares of its neighbours in other channels.
Result<Kernel> make_lrn(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    const auto alpha = static_cast<double>(node.attributes.number("alpha", 1e-4F));
    const auto beta = static_cast<double>(node.attributes.number("beta", 0.75F));
    const auto bias = static_cast<double>(node.attributes.number("bias", 1.0F));
    const std::int64_t size = node.attributes.integer("size", 0);
    if (size < 1) return node.wrong("has size = " + std::to_string(size));
    return Kernel([=](Run& run) {
        const ConstTensorView& x = run.input(0);
        const Dims e(x.shape);
        if (e.rank() < 2) return run.misfit();
        BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, x.shape));
        const std::int64_t channels = e[1], inner = e.product(2, e.rank());
        return for_floats(run, x.type, [&](auto tag) {
            using T = decltype(tag);
            for (std::int64_t i = 0; i < count(x); ++i) {
                const std::int64_t c = i / inner % channels;
                const std::int64_t first = std::max<std::int64_t>(0, c - (size - 1) / 2);
                const std::int64_t last = std::min(channels - 1, c + size / 2);
                double total = 0;
                for (std::int64_t k = first; k <= last; ++k) {
                    const auto v = static_cast<double>(data<T>(x)[i + (k - c) * inner]);
                    total += v * v;
                }
                data<T>(y)[i] = static_cast<T>(
                    static_cast<double>(data<T>(x)[i]) /
                    std::pow(bias + alpha / static_cast<double>(size) * total, beta));
            }
            return ok_status();
        });
    });
}

constexpr Entry kEntries[] = {
    {"BatchNormalization", make_batch_norm},
    {"InstanceNormalization", make_instance_norm},
    {"GroupNormalization", make_group_norm},
    {"LayerNormalization", make_layer_norm},
    {"MeanVarianceNormalization", make_mean_variance},
    {"LpNormalization", make_lp_norm},
    {"LRN", make_lrn},
};

}  // namespace

std::span<const Entry> normalisation_entries() {
    return kEntries;
}

}  // namespace bunch::kernels
