#include "backends/cpu/mlp.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <new>

namespace bunch::cpu {
namespace {

constexpr std::align_val_t kAlignment{64};

std::int64_t padded(std::int64_t outputs) {
    return (outputs + mlp_kernel::kPadding - 1) / mlp_kernel::kPadding * mlp_kernel::kPadding;
}

bool fits(const Graph& graph, const Node& node) {
    return std::holds_alternative<Dense>(node.op) && !node.residual && !node.inner &&
           !node.integers && graph.at(node.inputs[0]).shape.rank() == 2 &&
           graph.at(node.inputs[1]).shape[1] <= kMaxMlpWidth &&
           graph.at(node.inputs[1]).shape[0] * graph.at(node.inputs[1]).shape[1] <= kMaxMlpWeights;
}

// Copies weights [k, m] and bias [m] to `to`, padded; returns the end.
float* pack(const Graph& graph, const Node& node, float* to) {
    const Value& weights = graph.at(node.inputs[1]);
    const auto outputs = static_cast<std::size_t>(weights.shape[1]);
    const auto width = static_cast<std::size_t>(padded(weights.shape[1]));
    const auto elements = floats(weights);
    for (std::size_t i = 0; i < elements.size(); ++i)
        to[i / outputs * width + i % outputs] = elements[i];
    to += elements.size() / outputs * width;
    if (node.inputs.size() > 2) {
        const auto bias = floats(graph.at(node.inputs[2]));
        std::copy(bias.begin(), bias.end(), to);
    }
    return to + width;
}

// Weights of which fewer are still near the core from the last time.
constexpr std::int64_t kStreamedWeights = 1 << 16;

}  // namespace

mlp_kernel::Activation kernel_activation(const Activation& activation) {
    switch (activation.kind) {
        case Activation::Kind::none:
            return mlp_kernel::Activation::none;
        case Activation::Kind::leaky_relu:
            return activation.alpha == 0 ? mlp_kernel::Activation::relu
                                         : mlp_kernel::Activation::leaky_relu;
        case Activation::Kind::clip:
            return mlp_kernel::Activation::clip;
        case Activation::Kind::sigmoid:
            return mlp_kernel::Activation::sigmoid;
        case Activation::Kind::tanh:
            return mlp_kernel::Activation::tanh;
    }
    return mlp_kernel::Activation::none;
}

mlp_kernel::Streamed streamed_function(std::int64_t rows, std::int64_t inputs,
                                       std::int64_t outputs) {
    if (rows > mlp_kernel::kStreamedRows || inputs * outputs < kStreamedWeights) return nullptr;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") != 0) return mlp_kernel::run_streamed_avx512;
#endif
    return nullptr;
}

std::size_t streamed_padded(std::size_t outputs) {
    constexpr auto kWidth = static_cast<std::size_t>(mlp_kernel::kPanelWidth);
    return (outputs + kWidth - 1) / kWidth * kWidth;
}

std::size_t streamed_floats(std::size_t inputs, std::size_t outputs) {
    return (inputs + 1) * streamed_padded(outputs);
}

void pack_streamed(std::span<const float> weights, std::span<const float> bias, std::size_t inputs,
                   std::size_t outputs, float* to) {
    constexpr auto kWidth = static_cast<std::size_t>(mlp_kernel::kPanelWidth);
    std::fill_n(to, streamed_floats(inputs, outputs), 0.0F);
    std::copy(bias.begin(), bias.end(), to);
    to += streamed_padded(outputs);
    for (std::size_t k = 0; k < inputs; ++k)
        for (std::size_t o = 0; o < outputs; ++o)
            to[o / kWidth * kWidth * inputs + k * kWidth + o % kWidth] = weights[k * outputs + o];
}

void Mlp::Free::operator()(float* floats) const {
    operator delete[](floats, kAlignment);
}

Mlp::Mlp(const Graph& graph, std::span<const Node> nodes, const MlpVariant& variant)
    : function_(variant.function) {
    for (const Node& node : nodes) {
        const Shape& shape = graph.at(node.inputs[1]).shape;
        packed_floats_ += static_cast<std::size_t>((shape[0] + 1) * padded(shape[1]));
    }
    packed_.reset(static_cast<float*>(operator new[](packed_floats_ * sizeof(float), kAlignment)));
    std::fill_n(packed_.get(), packed_floats_, 0.0F);
    float* to = packed_.get();
    for (const Node& node : nodes) {
        const Shape& shape = graph.at(node.inputs[1]).shape;
        const auto width = static_cast<int>(padded(shape[1]));
        layers_.push_back({to, to + shape[0] * width, static_cast<int>(shape[0]),
                           static_cast<int>(shape[1]), width, kernel_activation(node.epilogue),
                           node.epilogue.alpha, node.epilogue.beta});
        to = pack(graph, node, to);
    }
}

std::span<const MlpVariant> mlp_variants() {
#if defined(__x86_64__)
    static const std::array variants = {
        MlpVariant{"avx512", mlp_kernel::run_avx512, mlp_kernel::run_pointwise_avx512,
                   __builtin_cpu_supports("avx512f") != 0},
        MlpVariant{"avx2", mlp_kernel::run_avx2, mlp_kernel::run_pointwise_avx2,
                   __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0},
        MlpVariant{"portable", mlp_kernel::run_portable, mlp_kernel::run_pointwise_portable, true}};
#else
    static const std::array variants = {
        MlpVariant{"portable", mlp_kernel::run_portable, mlp_kernel::run_pointwise_portable, true}};
#endif
    return variants;
}

std::size_t mlp_chain_length(const Graph& graph, std::span<const Node> nodes) {
    std::size_t length = 0;
    while (length < nodes.size() && fits(graph, nodes[length])) {
        ++length;
        const ValueId output = nodes[length - 1].output;
        if (length == nodes.size() || nodes[length].inputs[0] != output ||
            graph.is_output(output) || graph.uses(output) != 1 || graph.at(output).grid)
            break;
    }
    return length;
}

}  // namespace bunch::cpu
