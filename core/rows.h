/// Rows of calls into batches, and back. The only place where tensor bytes of calls are copied.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
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

/// The bytes of one element; as many count as its type has.
using ElementBytes = std::array<std::byte, 8>;

/// `value` as an element of that type; nothing if the type cannot hold it exactly (floats of 32
/// bits may round it). Of 16-bit floats only 0 and 1 are known here.
std::optional<ElementBytes> element_of(DataType type, double value);

/// Copies `ranges` behind one another into `batch`, whose first extent is the sum of their counts;
/// a scalar counts as one row. All tensors have the type and rank of `batch`. Where an extent of a
/// row is smaller than the batch's, the rest is filled with `padding`.
void gather(std::span<const RowRange> ranges, const TensorView& batch,
            const ElementBytes& padding = {});

/// Copies rows [first, first + count) of `batch` to the rows of `call` from `call_first` on. Where
/// an extent of a row of `call` is smaller, what lies beyond it is left out.
void scatter(const ConstTensorView& batch, std::uint32_t first, std::uint32_t count,
             const TensorView& call, std::uint32_t call_first);

}  // namespace bunch
