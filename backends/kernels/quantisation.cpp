// Integers that stand for floats: QuantizeLinear, QLinearConv, MatMulInteger and their like.
#include <algorithm>
#include <cmath>
#include <limits>

#include "backends/kernels/convolution.h"
#include "backends/kernels/element.h"
#include "backends/kernels/product.h"
#include "backends/kernels/registry.h"

namespace bunch::kernels {
namespace {

// x / scale to nearest even, saturated: the standard's rounding.
template <typename Q>
Q quantised(double x, double scale, Q zero) {
    const double number = std::nearbyint(x / scale) + static_cast<double>(zero);
    constexpr auto kLeast = static_cast<double>(std::numeric_limits<Q>::min());
    constexpr auto kMost = static_cast<double>(std::numeric_limits<Q>::max());
    return static_cast<Q>(std::isnan(number) ? 0 : std::clamp(number, kLeast, kMost));
}

template <typename F>
Status for_quantised(const Run& run, DataType type, F f) {
    if (type == DataType::u8) return f(std::uint8_t{});
    if (type == DataType::i8) return f(std::int8_t{});
    return run.unsupported("for " + std::string(name_of(type)) + " as quantised type");
}

// Element i of a scale or zero point that has one number, or one per index of an axis.
struct PerAxis {
    std::int64_t inner = 1, extent = 1;
    std::int64_t index(std::int64_t i) const { return extent == 1 ? 0 : i / inner % extent; }
};

Result<PerAxis> per_axis(const Run& run, std::int64_t given) {
    const Dims e(run.input(0).shape);
    PerAxis result;
    result.extent = count(run.input(1));
    if (run.has(2) && count(run.input(2)) != result.extent) return run.misfit();
    if (result.extent == 1) return result;
    BUNCH_ASSIGN_OR_RETURN(const std::int64_t axis, settle_axis(run, given, e.rank()));
    if (e[axis] != result.extent) return run.misfit();
    result.inner = e.product(axis + 1, e.rank());
    return result;
}

Status quantise(Run& run, std::int64_t axis) {
    const ConstTensorView& x = run.input(0);
    BUNCH_ASSIGN_OR_RETURN(const PerAxis place, per_axis(run, axis));
    const DataType type = run.has(2) ? run.input(2).type : DataType::u8;
    if (run.input(1).type != DataType::f32) return run.misfit();
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, type, x.shape));
    return for_quantised(run, type, [&](auto tag) {
        using Q = decltype(tag);
        return for_wide_numbers(run, x.type, [&](auto number) {
            for (std::int64_t i = 0; i < count(x); ++i) {
                const std::int64_t c = place.index(i);
                // In float, as the standard has it: 0.5 ties are decided by float's division.
                const float ratio =
                    static_cast<float>(data<decltype(number)>(x)[i]) / data<float>(run.input(1))[c];
                data<Q>(y)[i] = quantised<Q>(static_cast<double>(ratio), 1,
                                             run.has(2) ? data<Q>(run.input(2))[c] : Q{});
            }
            return ok_status();
        });
    });
}

Status dequantise(Run& run, std::int64_t axis) {
    const ConstTensorView& x = run.input(0);
    BUNCH_ASSIGN_OR_RETURN(const PerAxis place, per_axis(run, axis));
    if (run.input(1).type != DataType::f32 || (run.has(2) && run.input(2).type != x.type))
        return run.misfit();
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, DataType::f32, x.shape));
    const auto convert = [&](auto tag) {
        using Q = decltype(tag);
        for (std::int64_t i = 0; i < count(x); ++i) {
            const std::int64_t c = place.index(i);
            const auto zero =
                static_cast<std::int64_t>(run.has(2) ? data<Q>(run.input(2))[c] : Q{});
            data<float>(y)[i] =
                static_cast<float>(static_cast<std::int64_t>(data<Q>(x)[i]) - zero) *
                data<float>(run.input(1))[c];
        }
        return ok_status();
    };
    if (x.type == DataType::i32) return convert(std::int32_t{});
    return for_quantised(run, x.type, convert);
}

Status dynamic_quantise(Run& run) {
    const ConstTensorView& x = run.input(0);
    if (x.type != DataType::f32) return run.misfit();
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, DataType::u8, x.shape));
    BUNCH_ASSIGN_OR_RETURN(const TensorView scale, run.output(1, DataType::f32, Shape{}));
    BUNCH_ASSIGN_OR_RETURN(const TensorView zero, run.output(2, DataType::u8, Shape{}));
    float least = 0, most = 0;
    for (std::int64_t i = 0; i < count(x); ++i) {
        least = std::min(least, data<float>(x)[i]);
        most = std::max(most, data<float>(x)[i]);
    }
    const float step = (most - least) / 255.0F;
    *data<float>(scale) = step;
    const auto centre =
        quantised<std::uint8_t>(step == 0 ? 0 : static_cast<double>(0 - least / step), 1, 0);
    *data<std::uint8_t>(zero) = centre;
    for (std::int64_t i = 0; i < count(x); ++i)
        data<std::uint8_t>(y)[i] = quantised<std::uint8_t>(
            step == 0 ? 0 : static_cast<double>(data<float>(x)[i] / step), 1, centre);
    return ok_status();
}

// The zero point in input `i` as numbers per output channel; zero where it is left out.
template <typename Q>
Result<std::vector<std::int32_t>> zeros_of(const Run& run, std::int64_t i, std::int64_t channels,
                                           DataType type) {
    std::vector<std::int32_t> zeros(static_cast<std::size_t>(channels), 0);
    if (!run.has(i)) return zeros;
    const std::int64_t given = count(run.input(i));
    if (run.input(i).type != type || (given != 1 && given != channels)) return run.misfit();
    for (std::int64_t c = 0; c < channels; ++c)
        zeros[static_cast<std::size_t>(c)] = data<Q>(run.input(i))[given == 1 ? 0 : c];
    return zeros;
}

/// Which inputs of a quantised operator are what; -1 where it has none.
struct Places {
    std::int64_t x = 0, w = 1, x_zero = 2, w_zero = 3, bias = -1;
};

// The convolution of integers, in i32.
Status integer_convolution(const Run& run, const ConvShape& s, const Places& at, std::int32_t* y) {
    const ConstTensorView &x = run.input(at.x), &w = run.input(at.w);
    return for_quantised(run, x.type, [&](auto x_tag) {
        return for_quantised(run, w.type, [&](auto w_tag) {
            using X = decltype(x_tag);
            using W = decltype(w_tag);
            BUNCH_ASSIGN_OR_RETURN(const auto x_zero, zeros_of<X>(run, at.x_zero, 1, x.type));
            BUNCH_ASSIGN_OR_RETURN(const auto w_zero,
                                   zeros_of<W>(run, at.w_zero, s.outputs, w.type));
            convolve<X, W, std::int32_t>(s, data<X>(x), data<W>(w), y, x_zero[0], w_zero.data());
            return ok_status();
        });
    });
}

Result<Kernel> make_conv_integer(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 4));
    BUNCH_ASSIGN_OR_RETURN(const ConvAttributes given, conv_attributes(node));
    return Kernel([given](Run& run) {
        BUNCH_ASSIGN_OR_RETURN(const ConvShape s, conv_shape(run, given, run.input(0).shape,
                                                             run.input(1).shape, false));
        BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, DataType::i32, s.shape));
        return integer_convolution(run, s, {}, data<std::int32_t>(y));
    });
}

Status check_scales(const Run& run, std::initializer_list<std::int64_t> scales, std::int64_t wide,
                    std::int64_t channels) {
    for (const std::int64_t i : scales) {
        const std::int64_t n = count(run.input(i));
        if (run.input(i).type != DataType::f32 || (n != 1 && !(i == wide && n == channels)))
            return run.misfit();
    }
    return ok_status();
}

// Inputs: x, scale, zero, w, scale, zero, y scale, y zero, bias.
Status quantised_convolution(Run& run, const ConvAttributes& given) {
    BUNCH_ASSIGN_OR_RETURN(const ConvShape s,
                           conv_shape(run, given, run.input(0).shape, run.input(3).shape, false));
    BUNCH_RETURN_IF_ERROR(check_scales(run, {1, 4, 6}, 4, s.outputs));
    const bool bias = run.has(8);
    if (bias && (run.input(8).type != DataType::i32 || count(run.input(8)) != s.outputs))
        return run.misfit();
    const DataType type = run.input(7).type;
    if (count(run.input(7)) != 1) return run.misfit();
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, type, s.shape));
    BUNCH_ASSIGN_OR_RETURN(std::byte * memory,
                           run.scratch(static_cast<std::uint64_t>(count(y)) * 4));
    auto* sums = reinterpret_cast<std::int32_t*>(memory);
    BUNCH_RETURN_IF_ERROR(integer_convolution(run, s, {0, 3, 2, 5, 8}, sums));
    const std::int64_t pixels = s.window.output.product(), scales = count(run.input(4));
    return for_quantised(run, type, [&](auto tag) {
        using Q = decltype(tag);
        for (std::int64_t i = 0; i < count(y); ++i) {
            const std::int64_t c = i / pixels % s.outputs;
            const float factor = data<float>(run.input(1))[0] *
                                 data<float>(run.input(4))[scales == 1 ? 0 : c] /
                                 data<float>(run.input(6))[0];
            const std::int64_t total =
                sums[i] + (bias ? std::int64_t{data<std::int32_t>(run.input(8))[c]} : 0);
            data<Q>(y)[i] = quantised<Q>(static_cast<double>(static_cast<float>(total) * factor), 1,
                                         *data<Q>(run.input(7)));
        }
        return ok_status();
    });
}

Result<Kernel> make_qlinear_conv(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(8, 9));
    BUNCH_ASSIGN_OR_RETURN(const ConvAttributes given, conv_attributes(node));
    return Kernel([given](Run& run) { return quantised_convolution(run, given); });
}

// The product of integers, in i32. The zero point of a may be one per row, that of b one per
// column.
Status integer_product(const Run& run, const MatMulShape& s, const Places& at, std::int32_t* y) {
    const ConstTensorView &a = run.input(at.x), &b = run.input(at.w);
    return for_quantised(run, a.type, [&](auto a_tag) {
        return for_quantised(run, b.type, [&](auto b_tag) {
            using A = decltype(a_tag);
            using B = decltype(b_tag);
            BUNCH_ASSIGN_OR_RETURN(const auto a_zero, zeros_of<A>(run, at.x_zero, s.m, a.type));
            BUNCH_ASSIGN_OR_RETURN(const auto b_zero, zeros_of<B>(run, at.w_zero, s.n, b.type));
            for_each_offset(s.batch, s.a_strides, s.b_strides,
                            [&](std::int64_t at_a, std::int64_t at_b) {
                                for (std::int64_t i = 0; i < s.m; ++i)
                                    for (std::int64_t j = 0; j < s.n; ++j) {
                                        std::uint32_t total = 0;
                                        for (std::int64_t l = 0; l < s.k; ++l)
                                            total += static_cast<std::uint32_t>(
                                                (data<A>(a)[at_a + i * s.k + l] -
                                                 a_zero[static_cast<std::size_t>(i)]) *
                                                (data<B>(b)[at_b + l * s.n + j] -
                                                 b_zero[static_cast<std::size_t>(j)]));
                                        *y++ = static_cast<std::int32_t>(total);
                                    }
                            });
            return ok_status();
        });
    });
}

Result<Kernel> make_mat_mul_integer(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 4));
    return Kernel([](Run& run) {
        BUNCH_ASSIGN_OR_RETURN(const MatMulShape s,
                               mat_mul_shape(run, run.input(0).shape, run.input(1).shape));
        BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, DataType::i32, s.shape));
        if (y.bytes.empty()) return ok_status();
        return integer_product(run, s, {}, data<std::int32_t>(y));
    });
}

// Inputs: a, scale, zero, b, scale, zero, y scale, y zero.
Result<Kernel> make_qlinear_mat_mul(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(8, 8));
    return Kernel([](Run& run) {
        BUNCH_ASSIGN_OR_RETURN(const MatMulShape s,
                               mat_mul_shape(run, run.input(0).shape, run.input(3).shape));
        BUNCH_RETURN_IF_ERROR(check_scales(run, {1, 4, 6}, 4, s.n));
        if (count(run.input(7)) != 1) return run.misfit();
        BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, run.input(7).type, s.shape));
        if (y.bytes.empty()) return ok_status();
        BUNCH_ASSIGN_OR_RETURN(std::byte * memory,
                               run.scratch(static_cast<std::uint64_t>(count(y)) * 4));
        const auto* sums = reinterpret_cast<const std::int32_t*>(memory);
        BUNCH_RETURN_IF_ERROR(
            integer_product(run, s, {0, 3, 2, 5, -1}, reinterpret_cast<std::int32_t*>(memory)));
        const std::int64_t scales = count(run.input(4));
        return for_quantised(run, y.type, [&](auto tag) {
            using Q = decltype(tag);
            for (std::int64_t i = 0; i < count(y); ++i) {
                const float factor = data<float>(run.input(1))[0] *
                                     data<float>(run.input(4))[scales == 1 ? 0 : i % s.n] /
                                     data<float>(run.input(6))[0];
                data<Q>(y)[i] =
                    quantised<Q>(static_cast<double>(static_cast<float>(sums[i]) * factor), 1,
                                 *data<Q>(run.input(7)));
            }
            return ok_status();
        });
    });
}

template <Status (*f)(Run&, std::int64_t)>
Result<Kernel> make_linear(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 3));
    return Kernel([axis = node.attributes.integer("axis", 1)](Run& run) { return f(run, axis); });
}

Result<Kernel> make_dynamic(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    return Kernel(dynamic_quantise);
}

constexpr Entry kEntries[] = {
    {"QuantizeLinear", make_linear<quantise>}, {"DequantizeLinear", make_linear<dequantise>},
    {"DynamicQuantizeLinear", make_dynamic},   {"ConvInteger", make_conv_integer},
    {"QLinearConv", make_qlinear_conv},        {"MatMulInteger", make_mat_mul_integer},
    {"QLinearMatMul", make_qlinear_mat_mul},
};

}  // namespace

std::span<const Entry> quantisation_entries() {
    return kEntries;
}

}  // namespace bunch::kernels
