/// Dense layers with many weights for few rows, which are bound by reading the weights: a loop that
/// reads them in one stream, a fifth faster than a product of matrices does. Compiled for a
/// processor of its own like mlp_kernel.h, and with the same rule.
#pragma once

#include "backends/cpu/mlp_kernel.h"

namespace bunch::cpu::mlp_kernel {

inline constexpr int kPanelWidth = 64;   ///< outputs that are computed together
inline constexpr int kStreamedRows = 4;  ///< for more, products of matrices are faster

/// y = activation(x W + b) for `rows` rows. Of `layer`, weights are [outputs / kPanelWidth][inputs]
/// [kPanelWidth] with zeros at the end, and bias is [outputs] with zeros up to kPanelWidth.
using Streamed = void (*)(const Layer& layer, const float* input, float* output, long rows);

void run_streamed_avx512(const Layer& layer, const float* input, float* output, long rows);

}  // namespace bunch::cpu::mlp_kernel
