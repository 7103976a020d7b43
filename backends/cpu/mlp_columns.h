/// The small dense network for many rows: a vector holds one column of as many rows as it has
/// lanes, so that no lane is wasted on outputs that a layer does not have. Included by mlp_loop.h,
/// which says what is defined before.
#pragma once

#include <utility>

#include "backends/cpu/mlp_vector.h"

namespace bunch::cpu::mlp_kernel {
namespace {

constexpr int kColumns = BUNCH_MLP_COLUMNS;  // vectors of rows
constexpr int kOutputs = BUNCH_MLP_OUTPUTS;  // accumulators: kColumns times kOutputs
constexpr int kBlock = kColumns * kLanes;    // rows
constexpr int kMostInputs = kMaxWidth;       // of the first layer: more leave the cache

typedef float Unaligned __attribute__((vector_size(kLanes * sizeof(float)), aligned(4)));

// Exchanges what lies `Step` apart: of lines i and i + Step, the squares off the diagonal.
template <int Step, int... Lanes>
inline void exchange(Vector& a, Vector& b, std::integer_sequence<int, Lanes...>) {
    const Vector low =
        __builtin_shufflevector(a, b, ((Lanes & Step) == 0 ? Lanes : kLanes + Lanes - Step)...);
    b = __builtin_shufflevector(a, b, ((Lanes & Step) == 0 ? Lanes + Step : kLanes + Lanes)...);
    a = low;
}

template <int Step>
inline void exchange_lines(Vector (&lines)[kLanes]) {
    for (int i = 0; i < kLanes; ++i)
        if ((i & Step) == 0)
            exchange<Step>(lines[i], lines[i + Step], std::make_integer_sequence<int, kLanes>());
}

// to[c][r] = from[r][c] for a square.
inline void transpose_square(const float* from, long from_stride, float* to, long to_stride) {
    Vector lines[kLanes];
    for (int i = 0; i < kLanes; ++i)
        lines[i] = *reinterpret_cast<const Unaligned*>(from + i * from_stride);
    exchange_lines<1>(lines);
    exchange_lines<2>(lines);
    if constexpr (kLanes > 4) exchange_lines<4>(lines);
    if constexpr (kLanes > 8) exchange_lines<8>(lines);
    for (int i = 0; i < kLanes; ++i) *reinterpret_cast<Unaligned*>(to + i * to_stride) = lines[i];
}

// Rows of `inputs` floats to columns of kBlock floats. The last square overlaps the one before it;
// rows shorter than a vector are read beyond their end.
inline void to_columns(const float* rows, int inputs, float* columns) {
    for (int column = 0; column < inputs; column += kLanes) {
        const int last = inputs < kLanes ? 0 : inputs - kLanes;
        const int first = column < last ? column : last;
        for (int r = 0; r < kBlock; r += kLanes)
            transpose_square(rows + static_cast<long>(r) * inputs + first, inputs,
                             columns + first * kBlock + r, kBlock);
    }
}

inline void to_rows(const float* columns, int outputs, float* rows) {
    if (outputs < kLanes) {
        for (int r = 0; r < kBlock; ++r)
            for (int c = 0; c < outputs; ++c) rows[r * outputs + c] = columns[c * kBlock + r];
        return;
    }
    for (int column = 0; column < outputs; column += kLanes) {
        const int last = outputs - kLanes, first = column < last ? column : last;
        for (int r = 0; r < kBlock; r += kLanes)
            transpose_square(columns + first * kBlock + r, kBlock,
                             rows + static_cast<long>(r) * outputs + first, outputs);
    }
}

// Outputs [first, first + Outputs) of the layer.
template <int Outputs>
inline void run_outputs(const Layer& layer, const float* input, float* output, int first) {
    Vector sums[Outputs][kColumns];
    for (int o = 0; o < Outputs; ++o)
        for (int v = 0; v < kColumns; ++v) sums[o][v] = splat(layer.bias[first + o]);
    const float* weights = layer.weights + first;
    for (int k = 0; k < layer.inputs; ++k, weights += layer.padded, input += kBlock) {
        Vector column[kColumns];
        for (int v = 0; v < kColumns; ++v) column[v] = load(input + v * kLanes);
        for (int o = 0; o < Outputs; ++o) {
            const Vector weight = splat(weights[o]);
            for (int v = 0; v < kColumns; ++v) sums[o][v] += column[v] * weight;
        }
    }
    for (int o = 0; o < Outputs; ++o)
        for (int v = 0; v < kColumns; ++v)
            *reinterpret_cast<Vector*>(output + (first + o) * kBlock + v * kLanes) =
                activate(layer, sums[o][v]);
}

template <int Outputs>
inline void run_rest(const Layer& layer, const float* input, float* output, int first, int rest) {
    if constexpr (Outputs > 0) {
        if (rest == Outputs) return run_outputs<Outputs>(layer, input, output, first);
        run_rest<Outputs - 1>(layer, input, output, first, rest);
    }
}

// kBlock rows of a layer, [inputs][kBlock] to [outputs][kBlock].
inline void run_layer_by_columns(const Layer& layer, const float* input, float* output) {
    int first = 0;
    for (; first + kOutputs <= layer.outputs; first += kOutputs)
        run_outputs<kOutputs>(layer, input, output, first);
    run_rest<kOutputs - 1>(layer, input, output, first, layer.outputs - first);
}

inline void run_block(const Layer* layers, unsigned long count, const float* input, float* output) {
    alignas(64) float buffers[2][kMostInputs * kBlock];
    to_columns(input, layers[0].inputs, buffers[1]);
    for (unsigned long i = 0; i < count; ++i)
        run_layer_by_columns(layers[i], buffers[(i + 1) % 2], buffers[i % 2]);
    to_rows(buffers[(count + 1) % 2], layers[count - 1].outputs, output);
}

// Whole blocks of rows from the first on; returns how many rows that were.
inline unsigned long run_columns(const Layer* layers, unsigned long count, const float* input,
                                 float* output, unsigned long rows) {
    const auto inputs = static_cast<unsigned long>(layers[0].inputs);
    const auto outputs = static_cast<unsigned long>(layers[count - 1].outputs);
    if (inputs > kMostInputs) return 0;
    // to_columns() may read so many rows beyond a block.
    const unsigned long beyond = inputs < kLanes ? (kLanes - inputs + inputs - 1) / inputs : 0;
    unsigned long first = 0;
    for (; first + kBlock + beyond <= rows; first += kBlock)
        run_block(layers, count, input + first * inputs, output + first * outputs);
    return first;
}

}  // namespace
}  // namespace bunch::cpu::mlp_kernel
