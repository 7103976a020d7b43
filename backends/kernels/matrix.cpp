// MatMul, Gemm and MatMulInteger.
#include <algorithm>

#include "backends/kernels/broadcast.h"
#include "backends/kernels/product.h"
#include "backends/kernels/registry.h"

namespace bunch::kernels {

Result<MatMulShape> mat_mul_shape(const Run& run, const Shape& shape_a, const Shape& shape_b) {
    Dims a(shape_a), b(shape_b);
    const bool row = a.rank() == 1, column = b.rank() == 1;
    if (a.rank() < 1 || b.rank() < 1) return run.misfit();
    if (row) a = Dims(Shape{1, a[0]});
    if (column) b = Dims(Shape{b[0], 1});
    MatMulShape result;
    result.m = a[a.rank() - 2], result.k = a[a.rank() - 1], result.n = b[b.rank() - 1];
    Dims lead_a, lead_b;
    for (std::int64_t i = 0; i + 2 < a.rank(); ++i) lead_a.push(a[i]);
    for (std::int64_t i = 0; i + 2 < b.rank(); ++i) lead_b.push(b[i]);
    const auto batch = stretched(lead_a.shape(), lead_b.shape());
    if (!batch || b[b.rank() - 2] != result.k) return run.misfit();
    result.batch = Dims(*batch);
    result.a_strides = stretched_strides(lead_a.shape(), *batch);
    result.b_strides = stretched_strides(lead_b.shape(), *batch);
    for (std::int64_t i = 0; i < result.batch.rank(); ++i) {
        result.a_strides[i] *= result.m * result.k;
        result.b_strides[i] *= result.k * result.n;
    }
    Dims shape = result.batch;
    if (!row) shape.push(result.m);
    if (!column) shape.push(result.n);
    result.shape = shape.shape();
    return result;
}

namespace {

Status mat_mul(Run& run) {
    const ConstTensorView &a = run.input(0), &b = run.input(1);
    if (a.type != b.type) return run.misfit();
    BUNCH_ASSIGN_OR_RETURN(const MatMulShape s, mat_mul_shape(run, a.shape, b.shape));
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, a.type, s.shape));
    std::fill(y.bytes.begin(), y.bytes.end(), std::byte{0});
    if (y.bytes.empty()) return ok_status();
    return for_numbers(run, a.type, [&](auto tag) {
        using T = decltype(tag);
        using Y = std::conditional_t<std::is_integral_v<T>, std::make_unsigned<T>,
                                     std::enable_if<true, T>>;
        auto* to = reinterpret_cast<typename Y::type*>(y.bytes.data());
        for_each_offset(s.batch, s.a_strides, s.b_strides,
                        [&](std::int64_t at_a, std::int64_t at_b) {
                            if constexpr (sizeof(T) < 4) {
                                static_cast<void>(at_a), static_cast<void>(at_b);
                            } else {
                                multiply(data<T>(a) + at_a, data<T>(b) + at_b, to, s.m, s.n, s.k,
                                         s.k, 1, s.n, 1);
                            }
                            to += s.m * s.n;
                        });
        return sizeof(T) < 4 ? run.unsupported("for integers of fewer than 32 bits") : ok_status();
    });
}

Result<Kernel> make_mat_mul(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 2));
    return Kernel(mat_mul);
}

struct GemmOptions {
    double alpha = 1, beta = 1;
    bool transposed_a = false, transposed_b = false;
};

Status gemm(Run& run, const GemmOptions& options) {
    const Dims a(run.input(0).shape), b(run.input(1).shape);
    if (a.rank() != 2 || b.rank() != 2 || run.input(0).type != run.input(1).type)
        return run.misfit();
    const std::int64_t m = a[options.transposed_a ? 1 : 0], k = a[options.transposed_a ? 0 : 1];
    const std::int64_t n = b[options.transposed_b ? 0 : 1];
    if (b[options.transposed_b ? 1 : 0] != k) return run.misfit();
    const Shape shape{m, n};
    if (run.has(2) &&
        (stretched(run.input(2).shape, shape) != shape || run.input(2).type != run.input(0).type))
        return run.misfit();
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, run.input(0).type, shape));
    std::fill(y.bytes.begin(), y.bytes.end(), std::byte{0});
    return for_wide_numbers(run, y.type, [&](auto tag) {
        using T = decltype(tag);
        const auto wide = [&]<typename Y>(Y* to) {
            multiply(data<T>(run.input(0)), data<T>(run.input(1)), to, m, n, k,
                     options.transposed_a ? 1 : a[1], options.transposed_a ? a[1] : 1,
                     options.transposed_b ? 1 : b[1], options.transposed_b ? b[1] : 1);
        };
        if constexpr (std::is_integral_v<T>)
            wide(reinterpret_cast<std::make_unsigned_t<T>*>(y.bytes.data()));
        else
            wide(data<T>(y));
        const double alpha = options.alpha, beta = options.beta;
        const auto scaled = [](T x, double by) {
            return by == 1 ? x : static_cast<T>(static_cast<double>(x) * by);
        };
        for (std::int64_t i = 0; alpha != 1 && i < count(y); ++i)
            data<T>(y)[i] = scaled(data<T>(y)[i], alpha);
        if (run.has(2))
            zip<T, T, T>(y, run.input(2), y,
                         [&](T x, T c) { return static_cast<T>(x + scaled(c, beta)); });
        return ok_status();
    });
}

Result<Kernel> make_gemm(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 3));
    GemmOptions options;
    options.alpha = static_cast<double>(node.attributes.number("alpha", 1));
    options.beta = static_cast<double>(node.attributes.number("beta", 1));
    options.transposed_a = node.attributes.integer("transA", 0) != 0;
    options.transposed_b = node.attributes.integer("transB", 0) != 0;
    return Kernel([options](Run& run) { return gemm(run, options); });
}

constexpr Entry kEntries[] = {{"MatMul", make_mat_mul}, {"Gemm", make_gemm}};

}  // namespace

std::span<const Entry> matrix_entries() {
    return kEntries;
}

}  // namespace bunch::kernels
