/// Operators that oneDNN computes for the interpreter: Conv, ConvTranspose, MatMul, Gemm, Tanh,
/// Sigmoid and the products inside LSTM, GRU and RNN, for f32. Everything else, and every form that
/// oneDNN has not, is a plain loop of backends/kernels.
#pragma once

#include <vector>

#include "backends/kernels/kernel.h"
#include "core/result.h"

namespace bunch::cpu {

/// As kernels::make_kernel(). `constant` says which inputs never change: their layouts are
/// converted once. The kernel keeps primitives for the shapes that it met last, at most 16.
Result<kernels::Kernel> make_fast_kernel(const kernels::NodeSpec& spec,
                                         const std::vector<bool>& constant);

}  // namespace bunch::cpu
