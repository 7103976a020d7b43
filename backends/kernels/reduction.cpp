// Many elements to one: ReduceSum and its like, ArgMax, ArgMin, CumSum.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "backends/kernels/dims.h"
#include "backends/kernels/element.h"
#include "backends/kernels/registry.h"

namespace bunch::kernels {
namespace {

// What sums are made in: double for f32 costs little and makes the order of additions immaterial;
// integers wrap around, which only unsigned ones may.
template <typename T>
using Sum = std::conditional_t<std::is_floating_point_v<T>, double, std::uint64_t>;

double as_double(double total) {
    return total;
}
double as_double(std::uint64_t total) {
    return static_cast<double>(static_cast<std::int64_t>(total));
}

/// The extents of a tensor, split into those that stay and those that go.
struct Split {
    Dims kept, kept_strides, gone, gone_strides;
    Shape shape;  ///< of the result
};

struct Axes {
    Integers axes;
    bool keep = true;
    bool none_means_none = false;  ///< no axes: nothing is reduced, instead of everything
};

Result<Split> split(const Run& run, const Axes& given) {
    const Dims extents(run.input(0).shape), strides = extents.strides();
    Integers axes = given.axes;
    if (run.has(1)) {
        BUNCH_ASSIGN_OR_RETURN(axes, integers_of(run, 1));
    }
    for (std::int64_t& axis : axes) {
        BUNCH_ASSIGN_OR_RETURN(axis, settle_axis(run, axis, extents.rank()));
    }
    const bool all = axes.empty() && !given.none_means_none;
    Split result;
    Dims shape;
    for (std::int64_t i = 0; i < extents.rank(); ++i) {
        const bool goes = all || std::find(axes.begin(), axes.end(), i) != axes.end();
        (goes ? result.gone : result.kept).push(extents[i]);
        (goes ? result.gone_strides : result.kept_strides).push(strides[i]);
        if (!goes || given.keep) shape.push(goes ? 1 : extents[i]);
    }
    result.shape = shape.shape();
    return result;
}

// Each reduction: what it starts with, how an element joins, and what becomes of the total.
struct SumOf {
    template <typename T, typename S>
    static S join(S total, T x) {
        return total + static_cast<S>(x);
    }
    template <typename T, typename S>
    static T finish(S total, std::int64_t) {
        return static_cast<T>(total);
    }
};
struct MeanOf : SumOf {
    template <typename T, typename S>
    static T finish(S total, std::int64_t n) {
        if (n == 0) return std::is_integral_v<T> ? T{} : std::numeric_limits<T>::quiet_NaN();
        if constexpr (std::is_integral_v<T>)
            return static_cast<T>(static_cast<std::int64_t>(total) / n);
        else
            return static_cast<T>(total * (S{1} / static_cast<S>(n)));  // the same for all
    }
};
struct L1Of : SumOf {
    template <typename T, typename S>
    static S join(S total, T x) {
        return x < T{} ? total - static_cast<S>(x) : total + static_cast<S>(x);
    }
};
struct SquareOf : SumOf {
    template <typename T, typename S>
    static S join(S total, T x) {
        return total + static_cast<S>(x) * static_cast<S>(x);
    }
};
struct L2Of : SquareOf {
    template <typename T, typename S>
    static T finish(S total, std::int64_t) {
        return static_cast<T>(std::sqrt(as_double(total)));
    }
};
struct LogOf : SumOf {
    template <typename T, typename S>
    static T finish(S total, std::int64_t) {
        return static_cast<T>(std::log(as_double(total)));
    }
};
struct ProductOf : SumOf {
    template <typename T, typename S>
    static S join(S total, T x) {
        return total * static_cast<S>(x);
    }
};

// Whether what goes are the last extents, so that each result is made of neighbours.
bool goes_from_the_end(const Split& parts) {
    return parts.gone.rank() > 0 && parts.kept.rank() > 0 &&
           parts.kept_strides[parts.kept.rank() - 1] >= parts.gone_strides[0] &&
           parts.gone_strides[parts.gone.rank() - 1] == 1;
}

// `lines` neighbouring results at a time, so that an addition need not wait for the one before it.
template <typename F, std::int64_t lines, typename T>
void reduce_lines(const T* x, std::int64_t n, Sum<T> start, T* y) {
    Sum<T> totals[lines];
    for (Sum<T>& total : totals) total = start;
    for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t line = 0; line < lines; ++line)
            totals[line] = F::join(totals[line], x[line * n + i]);
    for (std::int64_t line = 0; line < lines; ++line)
        y[line] = F::template finish<T>(totals[line], n);
}

template <typename F, typename T>
void reduce(const Split& parts, const T* x, T* y, Sum<T> start) {
    const std::int64_t n = parts.gone.product();
    if (n > 0 && goes_from_the_end(parts)) {
        constexpr std::int64_t kLines = 8;
        std::int64_t left = parts.kept.product();
        for (; left >= kLines; left -= kLines, x += kLines * n, y += kLines)
            reduce_lines<F, kLines>(x, n, start, y);
        for (; left > 0; --left, x += n, ++y) reduce_lines<F, 1>(x, n, start, y);
        return;
    }
    for_each_offset(
        parts.kept, parts.kept_strides, parts.kept_strides, [&](std::int64_t at, std::int64_t) {
            Sum<T> total = start;
            if (n > 0)
                for_each_offset(
                    parts.gone, parts.gone_strides, parts.gone_strides,
                    [&](std::int64_t i, std::int64_t) { total = F::join(total, x[at + i]); });
            *y++ = F::template finish<T>(total, n);
        });
}

// log(sum(exp(x - m))) + m with the largest m, so that nothing overflows.
template <typename T>
void reduce_log_sum_exp(const Split& parts, const T* x, T* y) {
    for_each_offset(
        parts.kept, parts.kept_strides, parts.kept_strides, [&](std::int64_t at, std::int64_t) {
            double most = -std::numeric_limits<double>::infinity(), total = 0;
            if (parts.gone.product() > 0) {
                const auto walk = [&](auto f) {
                    for_each_offset(
                        parts.gone, parts.gone_strides, parts.gone_strides,
                        [&](std::int64_t i, std::int64_t) { f(static_cast<double>(x[at + i])); });
                };
                walk([&](double v) { most = std::max(most, v); });
                const double shift = std::isfinite(most) ? most : 0;
                walk([&](double v) { total += std::exp(v - shift); });
                most = shift;
            }
            *y++ = static_cast<T>(std::log(total) + (std::isfinite(most) ? most : 0));
        });
}

template <bool largest, typename T>
void reduce_extreme(const Split& parts, const T* x, T* y) {
    for_each_offset(parts.kept, parts.kept_strides, parts.kept_strides,
                    [&](std::int64_t at, std::int64_t) {
                        T best = x[at];
                        for_each_offset(parts.gone, parts.gone_strides, parts.gone_strides,
                                        [&](std::int64_t i, std::int64_t) {
                                            const T v = x[at + i];
                                            if ((largest ? v > best : v < best) || v != v) best = v;
                                        });
                        *y++ = best;
                    });
}

// Axes are an attribute up to opset `last` and an input after.
Result<Axes> axes_of(Node& node, std::int64_t last) {
    const bool attribute = node.opset() <= last;
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, attribute ? 1 : 2));
    Axes axes;
    axes.keep = node.attributes.integer("keepdims", 1) != 0;
    if (attribute)
        axes.axes = node.attributes.integers("axes");
    else
        axes.none_means_none = node.attributes.integer("noop_with_empty_axes", 0) != 0;
    return axes;
}

template <typename F, std::int64_t last = 17, int start = 0>
Result<Kernel> make_reduction(Node& node) {
    BUNCH_ASSIGN_OR_RETURN(const Axes axes, axes_of(node, last));
    return Kernel([axes](Run& run) {
        BUNCH_ASSIGN_OR_RETURN(const Split parts, split(run, axes));
        const ConstTensorView& x = run.input(0);
        BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, parts.shape));
        if (y.bytes.empty()) return ok_status();
        return for_wide_numbers(run, x.type, [&](auto tag) {
            using T = decltype(tag);
            reduce<F, T>(parts, data<T>(x), data<T>(y), Sum<T>{start});
            return ok_status();
        });
    });
}

Result<Kernel> make_log_sum_exp(Node& node) {
    BUNCH_ASSIGN_OR_RETURN(const Axes axes, axes_of(node, 17));
    return Kernel([axes](Run& run) {
        BUNCH_ASSIGN_OR_RETURN(const Split parts, split(run, axes));
        const ConstTensorView& x = run.input(0);
        BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, parts.shape));
        if (y.bytes.empty()) return ok_status();
        return for_floats(run, x.type, [&](auto tag) {
            reduce_log_sum_exp(parts, data<decltype(tag)>(x), data<decltype(tag)>(y));
            return ok_status();
        });
    });
}

template <bool largest>
Result<Kernel> make_extreme(Node& node) {
    BUNCH_ASSIGN_OR_RETURN(const Axes axes, axes_of(node, 17));
    return Kernel([axes](Run& run) {
        BUNCH_ASSIGN_OR_RETURN(const Split parts, split(run, axes));
        const ConstTensorView& x = run.input(0);
        BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, parts.shape));
        if (y.bytes.empty()) return ok_status();
        if (parts.gone.product() == 0) return run.wrong("has nothing to choose from");
        return for_numbers(run, x.type, [&](auto tag) {
            reduce_extreme<largest>(parts, data<decltype(tag)>(x), data<decltype(tag)>(y));
            return ok_status();
        });
    });
}

template <bool largest>
Result<Kernel> make_arg(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    const Axes axes{
        {node.attributes.integer("axis", 0)}, node.attributes.integer("keepdims", 1) != 0, false};
    const bool last = node.attributes.integer("select_last_index", 0) != 0;
    return Kernel([axes, last](Run& run) {
        BUNCH_ASSIGN_OR_RETURN(const Split parts, split(run, axes));
        const ConstTensorView& x = run.input(0);
        BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, DataType::i64, parts.shape));
        if (y.bytes.empty()) return ok_status();
        if (parts.gone.product() == 0) return run.wrong("has nothing to choose from");
        return for_numbers(run, x.type, [&](auto tag) {
            using T = decltype(tag);
            const std::int64_t n = parts.gone[0], step = parts.gone_strides[0];
            std::int64_t* to = data<std::int64_t>(y);
            for_each_offset(parts.kept, parts.kept_strides, parts.kept_strides,
                            [&](std::int64_t at, std::int64_t) {
                                std::int64_t best = 0;
                                for (std::int64_t i = 1; i < n; ++i) {
                                    const T a = data<T>(x)[at + i * step],
                                            b = data<T>(x)[at + best * step];
                                    if ((largest ? a > b : a < b) || (last && a == b)) best = i;
                                }
                                *to++ = best;
                            });
            return ok_status();
        });
    });
}

Result<Kernel> make_cumulative_sum(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 2));
    const bool exclusive = node.attributes.integer("exclusive", 0) != 0;
    const bool reverse = node.attributes.integer("reverse", 0) != 0;
    return Kernel([exclusive, reverse](Run& run) {
        const ConstTensorView& x = run.input(0);
        const Dims extents(x.shape);
        BUNCH_ASSIGN_OR_RETURN(const Integers given, integers_of(run, 1));
        if (given.size() != 1) return run.misfit();
        BUNCH_ASSIGN_OR_RETURN(const std::int64_t axis, settle_axis(run, given[0], extents.rank()));
        BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, x.shape));
        const std::int64_t n = extents[axis], step = extents.product(axis + 1, extents.rank());
        if (y.bytes.empty()) return ok_status();
        return for_wide_numbers(run, x.type, [&](auto tag) {
            using T = decltype(tag);
            for (std::int64_t line = 0; line < count(x) / n; ++line) {
                const std::int64_t first = line / step * n * step + line % step;
                Sum<T> total{};
                for (std::int64_t i = 0; i < n; ++i) {
                    const std::int64_t at = first + (reverse ? n - 1 - i : i) * step;
                    const auto element = static_cast<Sum<T>>(data<T>(x)[at]);
                    data<T>(y)[at] = static_cast<T>(exclusive ? total : total + element);
                    total += element;
                }
            }
            return ok_status();
        });
    });
}

constexpr Entry kEntries[] = {
    {"ReduceSum", make_reduction<SumOf, 12>},
    {"ReduceMean", make_reduction<MeanOf>},
    {"ReduceProd", make_reduction<ProductOf, 17, 1>},
    {"ReduceL1", make_reduction<L1Of>},
    {"ReduceL2", make_reduction<L2Of>},
    {"ReduceSumSquare", make_reduction<SquareOf>},
    {"ReduceLogSum", make_reduction<LogOf>},
    {"ReduceLogSumExp", make_log_sum_exp},
    {"ReduceMax", make_extreme<true>},
    {"ReduceMin", make_extreme<false>},
    {"ArgMax", make_arg<true>},
    {"ArgMin", make_arg<false>},
    {"CumSum", make_cumulative_sum},
};

}  // namespace

std::span<const Entry> reduction_entries() {
    return kEntries;
}

}  // namespace bunch::kernels
