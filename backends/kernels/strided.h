/// Copies elements along strides: what Transpose, Slice, Expand and their like have in common.
#pragma once

#include "backends/kernels/dims.h"
#include "backends/kernels/element.h"

namespace bunch::kernels {

/// to[i...] = from[begin + sum of i * strides], for all indexes i of `extents`; strides may be
/// negative or 0, in elements. `to` is dense.
void copy_strided(DataType type, const std::byte* from, std::int64_t begin, const Dims& extents,
                  const Dims& strides, std::byte* to);

/// `x` with extents in `order`, as output 0.
Status transpose(Run& run, const ConstTensorView& x, const Dims& order, const TensorView& y);

}  // namespace bunch::kernels
