#include "backends/cpu/fast_kernels.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "backends/cpu/primitive_cache.h"
#include "backends/cpu/weights.h"
#include "backends/kernels/broadcast.h"
#include "backends/kernels/convolution.h"
#include "backends/kernels/einsum.h"
#include "backends/kernels/product.h"
#include "backends/kernels/recurrent.h"
#include "backends/kernels/registry.h"

namespace bunch::cpu {

const dnnl::engine& shared_engine() {
    static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    return engine;
}

namespace {

using dnnl::memory;
using kernels::Kernel;
using kernels::Node;
using kernels::Run;

memory::desc plain(const memory::dims& dims) {
    memory::dims strides(dims.size());
    memory::dim stride = 1;
    for (std::size_t i = dims.size(); i-- > 0; stride *= std::max<memory::dim>(dims[i], 1))
        strides[i] = stride;
    return {dims, memory::data_type::f32, strides};
}

memory::desc any(const memory::dims& dims) {
    return {dims, memory::data_type::f32, memory::format_tag::any};
}

// oneDNN has no const handles; sources are only read.
memory source(const memory::desc& desc, const void* bytes) {
    return {desc, shared_engine(), const_cast<void*>(bytes)};
}

// Runs `f`, which may throw, and says so in our words.
template <typename F>
Status guarded(const Run& run, F f) {
    try {
        return f();
    } catch (const dnnl::error& error) {
        return internal_error(run.spec().label + ": oneDNN failed (" + error.what() + ")");
    }
}

bool all_f32(const Run& run) {
    for (std::int64_t i = 0; i < run.inputs(); ++i)
        if (run.has(i) && run.input(i).type != DataType::f32) return false;
    return true;
}

/// A prepared product of matrices.
struct Product {
    dnnl::matmul primitive;
    memory::desc a, b, y, scratch;
    std::string implementation;
};

Product make_product(const memory::desc& a, const memory::desc& b, const memory::desc& y) {
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    const dnnl::matmul::primitive_desc desc({a, b, y}, attributes, shared_engine());
    return {dnnl::matmul(desc), a, b, y, desc.scratchpad_desc(), desc.impl_info_str()};
}

Status run_product(Run& run, const Product& product, const void* a, const void* b, void* y) {
    run.used(product.implementation);
    BUNCH_ASSIGN_OR_RETURN(std::byte * scratch, run.scratch(product.scratch.get_size()));
    dnnl::stream stream(shared_engine());
    product.primitive.execute(stream, {{DNNL_ARG_SRC, source(product.a, a)},
                                       {DNNL_ARG_WEIGHTS, source(product.b, b)},
                                       {DNNL_ARG_DST, source(product.y, y)},
                                       {DNNL_ARG_SCRATCHPAD, source(product.scratch, scratch)}});
    stream.wait();
    return ok_status();
}

using ProductCache = PrimitiveCache<Product>;

// Leading extents of a and b as one, where both are dense over all of them or one is a single
// matrix.
Status mat_mul(Run& run, ProductCache& cache) {
    BUNCH_ASSIGN_OR_RETURN(kernels::MatMulShape s,
                           kernels::mat_mul_shape(run, run.input(0).shape, run.input(1).shape));
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, DataType::f32, s.shape));
    if (y.bytes.empty()) return ok_status();
    const std::int64_t matrices = s.batch.product();
    if (s.k == 0) {
        std::fill(y.bytes.begin(), y.bytes.end(), std::byte{0});
        return ok_status();
    }
    const std::int64_t b_count = kernels::count(run.input(1)) / (s.k * s.n),
                       a_count = kernels::count(run.input(0)) / (s.m * s.k);
    if (b_count == 1) s.m *= matrices;  // rows of all matrices are rows of one
    const bool one = b_count == 1 && a_count == matrices;
    if (b_count == 1 && !one) s.m /= matrices;
    const bool dense = !one && a_count == matrices && b_count == matrices;
    const memory::dim lead = dense ? matrices : 1;
    return guarded(run, [&] {
        Product& product = cache.get({lead, s.m, s.n, s.k}, [&] {
            return make_product(plain({lead, s.m, s.k}), plain({lead, s.k, s.n}),
                                plain({lead, s.m, s.n}));
        });
        const auto* a = kernels::data<float>(run.input(0));
        const auto* b = kernels::data<float>(run.input(1));
        auto* to = kernels::data<float>(y);
        if (one || dense) return run_product(run, product, a, b, to);
        Status status;
        kernels::for_each_offset(s.batch, s.a_strides, s.b_strides,
                                 [&](std::int64_t at_a, std::int64_t at_b) {
                                     if (status.ok())
                                         status = run_product(run, product, a + at_a, b + at_b, to);
                                     to += s.m * s.n;
                                 });
        return status;
    });
}

Result<Kernel> make_mat_mul(Node& node, const Kernel& slow) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 2));
    // shared_ptr: a Kernel is copyable; the copies are one.
    return Kernel([slow, cache = std::make_shared<ProductCache>()](Run& run) {
        return all_f32(run) ? mat_mul(run, *cache) : slow(run);
    });
}

struct Gemm {
    float alpha = 1, beta = 1;
    bool transposed_a = false, transposed_b = false;
};

memory::desc matrix(std::int64_t rows, std::int64_t columns, bool transposed) {
    if (!transposed) return plain({rows, columns});
    return {{rows, columns}, memory::data_type::f32, memory::dims{1, rows}};
}

Status gemm(Run& run, const Gemm& given, ProductCache& cache) {
    const kernels::Dims a(run.input(0).shape), b(run.input(1).shape);
    if (a.rank() != 2 || b.rank() != 2) return run.misfit();
    const std::int64_t m = a[given.transposed_a ? 1 : 0], k = a[given.transposed_a ? 0 : 1],
                       n = b[given.transposed_b ? 0 : 1];
    const Shape shape{m, n};
    if (b[given.transposed_b ? 1 : 0] != k ||
        (run.has(2) && kernels::stretched(run.input(2).shape, shape) != shape))
        return run.misfit();
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, DataType::f32, shape));
    if (y.bytes.empty()) return ok_status();
    auto* to = kernels::data<float>(y);
    if (k > 0) {
        BUNCH_RETURN_IF_ERROR(guarded(run, [&] {
            Product& product = cache.get({m, n, k}, [&] {
                return make_product(matrix(m, k, given.transposed_a),
                                    matrix(k, n, given.transposed_b), plain({m, n}));
            });
            return run_product(run, product, run.input(0).bytes.data(), run.input(1).bytes.data(),
                               to);
        }));
    } else {
        std::fill_n(to, m * n, 0.0F);
    }
    for (std::int64_t i = 0; given.alpha != 1 && i < m * n; ++i) to[i] *= given.alpha;
    if (run.has(2))
        kernels::zip<float, float, float>(y, run.input(2), y,
                                          [&](float x, float c) { return x + given.beta * c; });
    return ok_status();
}

Result<Kernel> make_gemm(Node& node, const Kernel& slow) {
    Gemm given;
    given.alpha = node.attributes.number("alpha", 1);
    given.beta = node.attributes.number("beta", 1);
    given.transposed_a = node.attributes.integer("transA", 0) != 0;
    given.transposed_b = node.attributes.integer("transB", 0) != 0;
    return Kernel([given, slow, cache = std::make_shared<ProductCache>()](Run& run) {
        return all_f32(run) ? gemm(run, given, *cache) : slow(run);
    });
}

/// A prepared convolution with the layouts that it wants.
struct Convolution {
    dnnl::primitive primitive;
    memory::desc x, w, y, bias, scratch;
    std::string implementation;
    std::shared_ptr<Weights> weights;  ///< in layout `w`, once converted
};
using ConvolutionCache = PrimitiveCache<Convolution>;

memory::dims dims_of(const kernels::Dims& given) {
    memory::dims dims;
    for (std::int64_t i = 0; i < given.rank(); ++i) dims.push_back(given[i]);
    return dims;
}

/// The extents of one convolution as oneDNN names them.
struct Layout {
    memory::dims x, w, y, strides, dilations, begins, ends;
    memory::desc plain_w;
    bool bias = false;
};

Layout layout_of(const Run& run, const kernels::ConvShape& s, bool transposed) {
    Layout l;
    l.x = dims_of(kernels::Dims(run.input(0).shape)), l.y = dims_of(kernels::Dims(s.shape));
    l.w = {s.groups, s.outputs / s.groups, s.inputs / s.groups};
    for (std::int64_t i = 0; i < s.window.rank; ++i) {
        l.w.push_back(s.window.kernel[i]);
        l.strides.push_back(s.window.strides[i]);
        l.dilations.push_back(s.window.dilations[i] - 1);
        l.begins.push_back(s.window.pads_begin[i]);
        // What is really left at the end: ceil_mode and output shapes may reach further.
        const std::int64_t small = transposed ? s.window.input[i] : s.window.output[i],
                           large = transposed ? s.window.output[i] : s.window.input[i];
        const std::int64_t reach = (s.window.kernel[i] - 1) * s.window.dilations[i] + 1;
        l.ends.push_back((small - 1) * s.window.strides[i] + reach - large -
                         s.window.pads_begin[i]);
    }
    l.plain_w = plain(l.w);
    if (transposed) {  // ONNX: [inputs, outputs / groups, ...]
        memory::dims strides = l.plain_w.dims();
        const std::int64_t taps = s.window.kernel.product(), out = s.outputs / s.groups;
        strides[0] = s.inputs / s.groups * out * taps, strides[1] = taps, strides[2] = out * taps;
        for (std::size_t i = strides.size(), step = 1; i-- > 3;) {
            strides[i] = static_cast<memory::dim>(step);
            step *= static_cast<std::size_t>(l.w[i]);
        }
        l.plain_w = {l.w, memory::data_type::f32, strides};
    }
    l.bias = run.has(2);
    return l;
}

template <typename Primitive>
Convolution make_convolution(const Layout& l, dnnl::algorithm algorithm) {
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    const auto kind = dnnl::prop_kind::forward_inference;
    const memory::desc bias =
        l.bias ? memory::desc({l.y[1]}, memory::data_type::f32, memory::format_tag::a)
               : memory::desc();
    const typename Primitive::desc desc(kind, algorithm, any(l.x), any(l.w), bias, any(l.y),
                                        l.strides, l.dilations, l.begins, l.ends);
    const typename Primitive::primitive_desc made(desc, attributes, shared_engine());
    return {Primitive(made),
            made.src_desc(),
            made.weights_desc(),
            made.dst_desc(),
            bias,
            made.scratchpad_desc(),
            made.impl_info_str(),
            nullptr};
}

// `bytes` in layout `from` as `to`, in memory of the run unless they are the same.
Result<const std::byte*> converted(Run& run, const memory::desc& from, const std::byte* bytes,
                                   const memory::desc& to) {
    if (from == to) return bytes;
    BUNCH_ASSIGN_OR_RETURN(std::byte * other, run.scratch(to.get_size()));
    dnnl::stream stream(shared_engine());
    memory a = source(from, bytes), b = source(to, other);
    dnnl::reorder(a, b).execute(stream, a, b);
    stream.wait();
    return static_cast<const std::byte*>(other);
}

Status convert_weights(Convolution& c, const memory::desc& from, const std::byte* bytes) {
    if (c.weights != nullptr) return ok_status();
    auto weights = std::make_shared<Weights>(c.w.get_size());
    dnnl::stream stream(shared_engine());
    memory a = source(from, bytes), b = source(c.w, weights->address());
    dnnl::reorder(a, b).execute(stream, a, b);
    stream.wait();
    c.weights = std::move(weights);
    return ok_status();
}

Status convolve(Run& run, const Layout& l, Convolution& c, bool constant_weights,
                const TensorView& y) {
    BUNCH_ASSIGN_OR_RETURN(const std::byte* x,
                           converted(run, plain(l.x), run.input(0).bytes.data(), c.x));
    const std::byte* w = run.input(1).bytes.data();
    if (constant_weights && l.plain_w != c.w) {
        BUNCH_RETURN_IF_ERROR(convert_weights(c, l.plain_w, w));
        w = static_cast<const std::byte*>(c.weights->address());
    } else {
        BUNCH_ASSIGN_OR_RETURN(w, converted(run, l.plain_w, w, c.w));
    }
    const bool direct = c.y == plain(l.y);
    std::byte* to = y.bytes.data();
    if (!direct) {
        BUNCH_ASSIGN_OR_RETURN(to, run.scratch(c.y.get_size()));
    }
    run.used(c.implementation);
    BUNCH_ASSIGN_OR_RETURN(std::byte * scratch, run.scratch(c.scratch.get_size()));
    std::unordered_map<int, memory> arguments = {{DNNL_ARG_SRC, source(c.x, x)},
                                                 {DNNL_ARG_WEIGHTS, source(c.w, w)},
                                                 {DNNL_ARG_DST, source(c.y, to)},
                                                 {DNNL_ARG_SCRATCHPAD, source(c.scratch, scratch)}};
    if (l.bias) arguments.emplace(DNNL_ARG_BIAS, source(c.bias, run.input(2).bytes.data()));
    dnnl::stream stream(shared_engine());
    c.primitive.execute(stream, arguments);
    if (!direct) {
        memory a = source(c.y, to), b = source(plain(l.y), y.bytes.data());
        dnnl::reorder(a, b).execute(stream, a, b);
    }
    stream.wait();
    return ok_status();
}

struct ConvKernel {
    kernels::ConvAttributes given;
    bool transposed = false, constant_weights = false;
    ConvolutionCache cache;

    Status operator()(Run& run) {
        BUNCH_ASSIGN_OR_RETURN(
            const kernels::ConvShape s,
            kernels::conv_shape(run, given, run.input(0).shape, run.input(1).shape, transposed));
        if (run.has(2) && run.input(2).shape != Shape{s.outputs}) return run.misfit();
        BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, DataType::f32, s.shape));
        if (y.bytes.empty()) return ok_status();
        return guarded(run, [&] {
            const Layout l = layout_of(run, s, transposed);
            PrimitiveCache<Convolution>::Key key = l.x;
            key.insert(key.end(), l.w.begin(), l.w.end());
            Convolution& c = cache.get(key, [&] {
                return transposed ? make_convolution<dnnl::deconvolution_forward>(
                                        l, dnnl::algorithm::deconvolution_direct)
                                  : make_convolution<dnnl::convolution_forward>(
                                        l, dnnl::algorithm::convolution_direct);
            });
            return convolve(run, l, c, constant_weights, y);
        });
    }
};

Result<Kernel> make_conv(Node& node, const Kernel& slow, bool transposed, bool constant_weights) {
    auto own = std::make_shared<ConvKernel>();
    BUNCH_ASSIGN_OR_RETURN(own->given, kernels::conv_attributes(node));
    own->transposed = transposed;
    own->constant_weights = constant_weights;
    if (transposed) {
        own->given.window.output_padding = node.attributes.integers("output_padding");
        own->given.window.output_shape = node.attributes.integers("output_shape");
    }
    return Kernel([own, slow](Run& run) {
        if (!all_f32(run) || run.input(0).bytes.empty()) return slow(run);
        const Status status = (*own)(run);
        // What oneDNN refuses, such as negative padding, the loop computes.
        return status.code() == StatusCode::internal ? slow(run) : status;
    });
}

kernels::Product prepared_product() {
    return [cache = std::make_shared<ProductCache>()](Run& run, const float* a, const float* b,
                                                      float* y, std::int64_t m, std::int64_t n,
                                                      std::int64_t k) -> Status {
        if (m * n * k == 0) {
            std::fill_n(y, m * n, 0.0F);
            return ok_status();
        }
        return guarded(run, [&] {
            Product& product = cache->get({m, n, k}, [&] {
                return make_product(plain({m, k}), matrix(k, n, true), plain({m, n}));
            });
            return run_product(run, product, a, b, y);
        });
    };
}

/// A function of each element, prepared for so many.
struct Function {
    dnnl::eltwise_forward primitive;
    memory::desc elements;
    std::string implementation;
};

Function make_function(dnnl::algorithm algorithm, std::int64_t count) {
    const memory::desc elements = plain({count});
    const dnnl::eltwise_forward::primitive_desc made(
        dnnl::eltwise_forward::desc(dnnl::prop_kind::forward_inference, algorithm, elements, 0.0F,
                                    0.0F),
        shared_engine());
    return {dnnl::eltwise_forward(made), elements, made.impl_info_str()};
}

// Few elements are not worth a primitive.
Kernel make_function(const Kernel& slow, dnnl::algorithm algorithm) {
    constexpr std::int64_t kWorthIt = 64;
    return [slow, algorithm, cache = std::make_shared<PrimitiveCache<Function>>()](Run& run) {
        const std::int64_t count = kernels::count(run.input(0));
        if (!all_f32(run) || count < kWorthIt) return slow(run);
        BUNCH_ASSIGN_OR_RETURN(const TensorView y,
                               run.output(0, DataType::f32, run.input(0).shape));
        return guarded(run, [&] {
            Function& f = cache->get({count}, [&] { return make_function(algorithm, count); });
            run.used(f.implementation);
            dnnl::stream stream(shared_engine());
            f.primitive.execute(stream,
                                {{DNNL_ARG_SRC, source(f.elements, run.input(0).bytes.data())},
                                 {DNNL_ARG_DST, source(f.elements, y.bytes.data())}});
            stream.wait();
            return ok_status();
        });
    };
}

/// Nothing where oneDNN has no form of the operator.
Result<std::optional<Kernel>> make(Node& node, const Kernel& slow,
                                   const std::vector<bool>& constant) {
    using kernels::Cell;
    const std::string& type = node.spec.type;
    Result<Kernel> kernel = slow;
    if (type == "MatMul")
        kernel = make_mat_mul(node, slow);
    else if (type == "Gemm")
        kernel = make_gemm(node, slow);
    else if (type == "Conv" || type == "ConvTranspose")
        kernel = make_conv(node, slow, type != "Conv", constant.size() > 1 && constant[1]);
    else if (type == "Tanh")
        kernel = make_function(slow, dnnl::algorithm::eltwise_tanh);
    else if (type == "Sigmoid")
        kernel = make_function(slow, dnnl::algorithm::eltwise_logistic);
    else if (type == "Einsum")
        kernel = kernels::make_einsum(node, prepared_product());
    else if (type == "LSTM")
        kernel = kernels::make_recurrent(node, Cell::lstm, prepared_product());
    else if (type == "GRU")
        kernel = kernels::make_recurrent(node, Cell::gru, prepared_product());
    else if (type == "RNN")
        kernel = kernels::make_recurrent(node, Cell::rnn, prepared_product());
    else
        return std::optional<Kernel>();
    if (!kernel.ok()) return kernel.status();
    return std::optional(kernels::widened(std::move(kernel).value()));
}

}  // namespace

Result<Kernel> make_fast_kernel(const kernels::NodeSpec& spec, const std::vector<bool>& constant) {
    // The plain kernel checks the node, and runs what oneDNN has no form for.
    BUNCH_ASSIGN_OR_RETURN(const Kernel slow, kernels::make_kernel(spec));
    if (!spec.domain.empty()) return slow;
    Node node(spec);
    BUNCH_ASSIGN_OR_RETURN(std::optional<Kernel> fast, make(node, slow, constant));
    return fast ? std::move(*fast) : slow;
}

}  // namespace bunch::cpu
