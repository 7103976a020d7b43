/// The loop of the small dense network, for vectors of kLanes floats. Included by one .cpp file per
/// kind of processor, which defines BUNCH_MLP_LANES (4, 8 or 16), BUNCH_MLP_TILE (vectors of
/// accumulators per row), BUNCH_MLP_ROWS (rows at a time), and for large batches BUNCH_MLP_COLUMNS
/// (vectors of rows) and BUNCH_MLP_OUTPUTS (outputs at a time) before. Everything is in an unnamed
/// namespace, see mlp_kernel.h.
#pragma once

#include "backends/cpu/mlp_columns.h"
#include "backends/cpu/mlp_kernel.h"

namespace bunch::cpu::mlp_kernel {
namespace {

constexpr int kTile = BUNCH_MLP_TILE;
constexpr int kRows = BUNCH_MLP_ROWS;

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
    unsigned long done = run_columns(layers, count, input, output, rows);
    done = run_blocks<kRows>(layers, count, input, output, done, rows);
    done = run_blocks<2>(layers, count, input, output, done, rows);
    run_blocks<1>(layers, count, input, output, done, rows);
}

}  // namespace
}  // namespace bunch::cpu::mlp_kernel
