/// What the variants of the pointwise convolution share; the rule of mlp_kernel.h holds here too.
#pragma once

#include "backends/cpu/mlp_kernel.h"

namespace bunch::cpu::mlp_kernel {

inline constexpr long kMostBlock = 64;  ///< positions that are computed together, at most

/// Floats of scratch memory, aligned to 64 bytes, that one run takes.
inline long pointwise_scratch(const Layer& layer) {
    return kMostBlock * (static_cast<long>(layer.inputs) + layer.outputs);
}

/// output[outputs][positions] from input[inputs][positions].
using Pointwise = void (*)(const Layer& layer, const float* input, float* output, long positions,
                           float* scratch);

void run_pointwise_avx512(const Layer& layer, const float* input, float* output, long positions,
                          float* scratch);
void run_pointwise_avx2(const Layer& layer, const float* input, float* output, long positions,
                        float* scratch);
void run_pointwise_portable(const Layer& layer, const float* input, float* output, long positions,
                            float* scratch);

}  // namespace bunch::cpu::mlp_kernel
