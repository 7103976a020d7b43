/// Convolutions of one position on row-major tensors [channels][positions]: dense layers whose rows
/// lie along the vectors already. Included by one .cpp file per kind of processor, see mlp_loop.h.
#pragma once

#include "backends/cpu/mlp_columns.h"
#include "backends/cpu/pointwise.h"

namespace bunch::cpu::mlp_kernel {
namespace {

// `used` positions of `lines` lines from one place to another; whole blocks by vectors.
inline void copy_lines(const float* from, long from_stride, float* to, long to_stride, int lines,
                       long used) {
    for (int line = 0; line < lines; ++line, from += from_stride, to += to_stride) {
        if (used == kBlock)
            for (int v = 0; v < kBlock; v += kLanes)
                *reinterpret_cast<Unaligned*>(to + v) =
                    *reinterpret_cast<const Unaligned*>(from + v);
        else
            for (long p = 0; p < used; ++p) to[p] = from[p];
    }
}

inline void run_pointwise(const Layer& layer, const float* input, float* output, long positions,
                          float* scratch) {
    float* made = scratch + static_cast<long>(layer.inputs) * kBlock;
    for (long first = 0; first < positions; first += kBlock) {
        const long used = positions - first < kBlock ? positions - first : kBlock;
        // What the last block does not use is computed from zeros, and not copied out.
        if (used < kBlock)
            for (long i = 0; i < static_cast<long>(layer.inputs) * kBlock; ++i) scratch[i] = 0.0F;
        copy_lines(input + first, positions, scratch, kBlock, layer.inputs, used);
        run_layer_by_columns(layer, scratch, made);
        copy_lines(made, kBlock, output + first, positions, layer.outputs, used);
    }
}

}  // namespace
}  // namespace bunch::cpu::mlp_kernel
