#include "muon/training/forward.h"

#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "muon/encoding.h"
#include "muon/parallel.h"
#include "muon/training/matrix.h"

namespace bunch::muon {
namespace {

constexpr std::size_t kChunk = 4096;
constexpr double kKeptPart = 0.999;

/// Activations of every layer for rows that fit in memory: [0] is `x` itself.
std::vector<std::vector<float>> float_activations(const Network& network,
                                                  std::span<const float> x) {
    std::vector<std::vector<float>> all = {{x.begin(), x.end()}};
    const std::size_t rows = x.size() / network.inputs();
    for (std::size_t l = 0; l + 1 < network.layers.size(); ++l) {
        const Dense& layer = network.layers[l];
        std::vector<float> z(rows * layer.outputs);
        multiply(all.back().data(), layer.weights.data(), z.data(), rows, layer.inputs,
                 layer.outputs);
        activate(layer, nullptr, 0, z);
        all.push_back(std::move(z));
    }
    return all;
}

/// What all but a thousandth of `values`, which are sorted in part, stay below.
float most_of(std::vector<float>& values) {
    const auto at = static_cast<std::ptrdiff_t>(kKeptPart * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), values.begin() + at, values.end());
    return values[static_cast<std::size_t>(at)];
}

}  // namespace

void activate(const Dense& layer, const QuantisationPlan* plan, int exponent, std::span<float> z) {
    const std::size_t width = layer.outputs, rows = z.size() / width;
    const float* const bias = layer.biases.data();
    if (plan == nullptr) {
        for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t o = 0; o < width; ++o) {
                float& value = z[r * width + o];
                value = std::max(value + bias[o], 0.0F);
            }
        return;
    }
    const float scale = std::ldexp(1.0F, exponent), step = std::ldexp(1.0F, -exponent);
    const float most = static_cast<float>((1 << plan->activation_bits) - 1);
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t o = 0; o < width; ++o) {
            float& value = z[r * width + o];
            const float number = std::min(std::max((value + bias[o]) * scale, 0.0F), most);
            value = rounded(number) * step;
        }
}

void add_biases(const Dense& layer, std::span<float> z) {
    const std::size_t width = layer.outputs, rows = z.size() / width;
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t o = 0; o < width; ++o) z[r * width + o] += layer.biases[o];
}

std::vector<float> predict(const Network& network, const QuantisationPlan* plan,
                           std::span<const float> x, unsigned threads) {
    const std::size_t layers = network.layers.size();
    std::vector<std::vector<float>> weights;
    for (std::size_t l = 0; l < layers; ++l) {
        weights.push_back(network.layers[l].weights);
        if (plan != nullptr)
            round_weights(network.layers[l], plan->bits_of(l, layers),
                          plan->least_exponent(l, kInputExponent), weights.back());
    }
    const std::size_t rows = x.size() / network.inputs();
    std::vector<float> outputs(rows * network.outputs());
    for_each_piece((rows + kChunk - 1) / kChunk, threads, [&](std::size_t chunk) {
        const std::size_t begin = chunk * kChunk, count = std::min(kChunk, rows - begin);
        std::vector<float> a(
            x.begin() + static_cast<std::ptrdiff_t>(begin * network.inputs()),
            x.begin() + static_cast<std::ptrdiff_t>((begin + count) * network.inputs()));
        for (std::size_t l = 0; l < layers; ++l) {
            const Dense& layer = network.layers[l];
            std::vector<float> z(count * layer.outputs);
            multiply(a.data(), weights[l].data(), z.data(), count, layer.inputs, layer.outputs);
            if (l + 1 == layers)
                add_biases(layer, z);
            else
                activate(layer, plan, plan == nullptr ? 0 : plan->activation_exponents[l], z);
            a = std::move(z);
        }
        std::copy(a.begin(), a.end(),
                  outputs.begin() + static_cast<std::ptrdiff_t>(begin * network.outputs()));
    });
    return outputs;
}

std::vector<int> activation_exponents(const Network& network, int bits, std::span<const float> x) {
    auto activations = float_activations(network, x);
    std::vector<int> exponents;
    for (std::size_t l = 1; l < activations.size(); ++l) {
        const float most = std::max(most_of(activations[l]), 1e-3F);
        const float limit = static_cast<float>((1 << bits) - 1);
        exponents.push_back(static_cast<int>(std::floor(std::log2(limit / most))));
    }
    return exponents;
}

std::vector<std::vector<float>> activation_ranges(const Network& network,
                                                  std::span<const float> x) {
    const auto activations = float_activations(network, x);
    std::vector<std::vector<float>> ranges;
    for (std::size_t l = 1; l < activations.size(); ++l) {
        const std::size_t width = network.layers[l - 1].outputs,
                          rows = activations[l].size() / width;
        ranges.emplace_back();
        std::vector<float> unit(rows);
        for (std::size_t u = 0; u < width; ++u) {
            for (std::size_t r = 0; r < rows; ++r) unit[r] = activations[l][r * width + u];
            ranges.back().push_back(most_of(unit));
        }
    }
    return ranges;
}

std::vector<std::vector<float>> input_sizes(const Network& network, std::span<const float> x) {
    std::vector<std::vector<float>> sizes;
    const std::size_t rows = x.size() / network.inputs();
    BUNCH_CHECK(rows > 0);
    const auto activations = float_activations(network, x);
    for (std::size_t l = 0; l < activations.size(); ++l) {
        std::vector<float> squares(network.layers[l].inputs, 0);
        for (std::size_t i = 0; i < activations[l].size(); ++i)
            squares[i % squares.size()] += activations[l][i] * activations[l][i];
        for (float& square : squares) square = std::sqrt(square / static_cast<float>(rows));
        sizes.push_back(std::move(squares));
    }
    return sizes;
}

}  // namespace bunch::muon
