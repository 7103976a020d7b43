/// Rows of calls into batches, and back. The only place where tensor bytes of calls are copied.
#pragma once

#include <cstdint>
#include <span>

#include "core/tensor.h"

namespace bunch {

/// Rows [first, first + count) of a tensor of one call. A tensor without bytes stands for rows that
/// nobody waits for any more: gather() leaves their place in the batch as it is.
struct RowRange {
    ConstTensorView tensor;
    std::uint32_t first = 0;
    std::uint32_t count = 0;
};

/// Copies `ranges` behind one another into `batch`, whose first extent is the sum of their counts;
/// a scalar counts as one row. All tensors have the type and the row size of `batch`.
void gather(std::span<const RowRange> ranges, const TensorView& batch);

/// Copies rows [first, first + count) of `batch` to the rows of `call` from `call_first` on.
void scatter(const ConstTensorView& batch, std::uint32_t first, std::uint32_t count,
             const TensorView& call, std::uint32_t call_first);

}  // namespace bunch
