/// Products of matrices by plain loops: for types that oneDNN has not, for small matrices, and
/// where there is no oneDNN.
#pragma once

#include <cstdint>

#include "backends/kernels/dims.h"
#include "backends/kernels/kernel.h"

namespace bunch::kernels {

/// y[m,n] += a[m,k] b[k,n]; each matrix has a stride per row and per column, y is dense.
template <typename A, typename B, typename Y>
void multiply(const A* a, const B* b, Y* y, std::int64_t m, std::int64_t n, std::int64_t k,
              std::int64_t a_row, std::int64_t a_column, std::int64_t b_row,
              std::int64_t b_column) {
    for (std::int64_t i = 0; i < m; ++i)
        for (std::int64_t l = 0; l < k; ++l) {
            const Y factor = static_cast<Y>(a[i * a_row + l * a_column]);
            const B* from = b + l * b_row;
            Y* to = y + i * n;
            if (b_column == 1)
                for (std::int64_t j = 0; j < n; ++j) to[j] += factor * static_cast<Y>(from[j]);
            else
                for (std::int64_t j = 0; j < n; ++j)
                    to[j] += factor * static_cast<Y>(from[j * b_column]);
        }
}

/// How MatMul pairs up the matrices of two tensors.
struct MatMulShape {
    std::int64_t m = 0, n = 0, k = 0;
    Dims batch, a_strides, b_strides;  ///< in matrices' elements
    Shape shape;                       ///< of the result
};

/// By the rules of numpy.matmul.
Result<MatMulShape> mat_mul_shape(const Run& run, const Shape& a, const Shape& b);

}  // namespace bunch::kernels
