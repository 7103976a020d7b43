/// The loop of the small dense network, for vectors of kLanes floats. Included by one .cpp file per
/// kind of processor, which defines BUNCH_MLP_LANES (4, 8 or 16), BUNCH_MLP_TILE (vectors of
/// accumulators per row) and BUNCH_MLP_ROWS (rows at a time) before. Everything is in an unnamed
/// namespace, see mlp_kernel.h.
#pragma once

#include "backends/cpu/mlp_kernel.h"

namespace bunch::cpu::mlp_kernel {
namespace {

constexpr int kLanes = BUNCH_MLP_LANES;
constexpr int kTile = BUNCH_MLP_TILE;
constexpr int kRows = BUNCH_MLP_ROWS;

typedef float Vector __attribute__((vector_size(kLanes * sizeof(float))));
typedef int Integers __attribute__((vector_size(kLanes * sizeof(int))));

inline Vector splat(float number) {
    return Vector{} + number;
}

// e^x to about 1 part in 10^7 (the polynomial of Cephes); 0 and infinity never occur.
inline Vector exponential(Vector x) {
    x = x < -87.0F ? splat(-87.0F) : x;
    x = x > 88.0F ? splat(88.0F) : x;
    const Vector magic = splat(12582912.0F);  // 1.5 * 2^23: adding it rounds to an integer
    const Vector shifted = x * 1.44269504F + magic;
    const Vector n = shifted - magic;
    const Vector r = x - n * 0.693359375F - n * -2.12194440e-4F;
    Vector p = splat(1.9875691500e-4F);
    p = p * r + 1.3981999507e-3F;
    p = p * r + 8.3334519073e-3F;
    p = p * r + 4.1665795894e-2F;
    p = p * r + 1.6666665459e-1F;
    p = p * r + 5.0000001201e-1F;
    p = p * r * r + r + 1.0F;
    const Integers exponent = (Integers)shifted - (Integers)magic;
    return p * (Vector)((exponent + 127) << 23);
}

inline Vector sigmoid(Vector x) {
    return 1.0F / (1.0F + exponential(-x));
}

inline Vector hyperbolic_tangent(Vector x) {
    const Vector z = x * x;
    Vector p = splat(-5.70498872745e-3F);
    p = p * z + 2.06390887954e-2F;
    p = p * z - 5.37397155531e-2F;
    p = p * z + 1.33314422036e-1F;
    p = p * z - 3.33332819422e-1F;
    const Vector near_zero = p * z * x + x;
    const Vector far = 1.0F - 2.0F / (exponential(x + x) + 1.0F);
    return z < 0.390625F ? near_zero : far;
}

// Comparisons keep NaN: a comparison with it is false.
inline Vector activate(const Layer& layer, Vector x) {
    switch (layer.activation) {
        case Activation::none:
            return x;
        case Activation::relu:
            return x < 0.0F ? Vector{} : x;
        case Activation::leaky_relu:
            return x < 0.0F ? x * layer.alpha : x;
        case Activation::clip:
            x = x < layer.alpha ? splat(layer.alpha) : x;
            return x > layer.beta ? splat(layer.beta) : x;
        case Activation::sigmoid:
            return sigmoid(x);
        case Activation::tanh:
            return hyperbolic_tangent(x);
    }
    return x;
}

inline Vector load(const float* floats) {
    return *reinterpret_cast<const Vector*>(floats);
}

// Columns [column, column + Vectors * kLanes) of the layer's output, for Rows rows.
template <int Rows, int Vectors>
inline void tile(const Layer& layer, const float* input, int input_stride, float* output,
                 int column) {
    Vector sums[Rows][Vectors];
    const float* bias = layer.bias + column;
    for (int r = 0; r < Rows; ++r)
        for (int v = 0; v < Vectors; ++v) sums[r][v] = load(bias + v * kLanes);
    const float* weights = layer.weights + column;
    for (int k = 0; k < layer.inputs; ++k, weights += layer.padded) {
        Vector row[Vectors];
        for (int v = 0; v < Vectors; ++v) row[v] = load(weights + v * kLanes);
        for (int r = 0; r < Rows; ++r) {
            const Vector x = splat(input[r * input_stride + k]);
            for (int v = 0; v < Vectors; ++v) sums[r][v] += x * row[v];
        }
    }
    for (int r = 0; r < Rows; ++r)
        for (int v = 0; v < Vectors; ++v)
            *reinterpret_cast<Vector*>(output + r * layer.padded + column + v * kLanes) =
                activate(layer, sums[r][v]);
}

template <int Rows>
inline void run_layer(const Layer& layer, const float* input, int input_stride, float* output) {
    int column = 0;
    for (; column + kTile * kLanes <= layer.padded; column += kTile * kLanes)
        tile<Rows, kTile>(layer, input, input_stride, output, column);
    for (; column < layer.padded; column += kLanes)
        tile<Rows, 1>(layer, input, input_stride, output, column);
}

// All layers for Rows rows.
template <int Rows>
inline void run_rows(const Layer* layers, unsigned long count, const float* input, float* output) {
    alignas(64) float buffers[2][Rows * kMaxWidth];
    int stride = layers[0].inputs;
    for (unsigned long i = 0; i < count; ++i) {
        float* next = buffers[i % 2];
        run_layer<Rows>(layers[i], input, stride, next);
        input = next;
        stride = layers[i].padded;
    }
    const int outputs = layers[count - 1].outputs;
    for (int r = 0; r < Rows; ++r)
        for (int c = 0; c < outputs; ++c) output[r * outputs + c] = input[r * stride + c];
}

template <int Rows>
inline unsigned long run_blocks(const Layer* layers, unsigned long count, const float* input,
                                float* output, unsigned long first, unsigned long rows) {
    const auto inputs = static_cast<unsigned long>(layers[0].inputs);
    const auto outputs = static_cast<unsigned long>(layers[count - 1].outputs);
    for (; first + Rows <= rows; first += Rows)
        run_rows<Rows>(layers, count, input + first * inputs, output + first * outputs);
    return first;
}

inline void run(const Layer* layers, unsigned long count, const float* input, float* output,
                unsigned long rows) {
    unsigned long done = run_blocks<kRows>(layers, count, input, output, 0, rows);
    done = run_blocks<2>(layers, count, input, output, done, rows);
    run_blocks<1>(layers, count, input, output, done, rows);
}

}  // namespace
}  // namespace bunch::cpu::mlp_kernel
