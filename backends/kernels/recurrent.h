/// LSTM, GRU and RNN: attributes and shapes, and the steps once the product of all inputs with the
/// weights is known. The products themselves are a function, so that oneDNN can make them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "backends/kernels/kernel.h"

namespace bunch::kernels {

/// y[m,n] = a[m,k] * b[n,k]^T, all dense and row-major.
using Product = std::function<Status(Run& run, const float* a, const float* b, float* y,
                                     std::int64_t m, std::int64_t n, std::int64_t k)>;

enum class Cell : std::uint8_t { rnn, gru, lstm };

/// The kernel of a recurrent node for f32, with `product` for its matrices.
Result<Kernel> make_recurrent(Node& node, Cell cell, Product product);

}  // namespace bunch::kernels
