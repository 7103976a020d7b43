/// The three matrix products of training, row-major, by oneDNN on the calling thread alone.
#pragma once

#include <cstddef>

namespace bunch::muon {

/// y[rows][outputs] = x[rows][inputs] * w[outputs][inputs]^T
void multiply(const float* x, const float* w, float* y, std::size_t rows, std::size_t inputs,
              std::size_t outputs);

/// dx[rows][inputs] = dy[rows][outputs] * w[outputs][inputs]
void multiply_back(const float* dy, const float* w, float* dx, std::size_t rows, std::size_t inputs,
                   std::size_t outputs);

/// dw[outputs][inputs] = dy[rows][outputs]^T * x[rows][inputs]
void multiply_gradient(const float* dy, const float* x, float* dw, std::size_t rows,
                       std::size_t inputs, std::size_t outputs);

}  // namespace bunch::muon
