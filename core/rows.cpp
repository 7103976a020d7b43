#include "core/rows.h"

#include <cstring>

#include "core/check.h"

namespace bunch {
namespace {

/// A scalar, which only a model that is not batched can have, is one row.
std::size_t bytes_per_row(const ConstTensorView& tensor) {
    if (tensor.shape.rank() == 0) return size_of(tensor.type);
    return *tensor.shape.elements_per_row() * size_of(tensor.type);
}

}  // namespace

void gather(std::span<const RowRange> ranges, const TensorView& batch) {
    const std::size_t row = bytes_per_row(batch);
    std::byte* to = batch.bytes.data();
    [[maybe_unused]] const std::byte* const end = to + batch.bytes.size();
    for (const RowRange& range : ranges) {
        const std::size_t bytes = range.count * row;
        const bool is_wanted = !range.tensor.bytes.empty();
        BUNCH_DCHECK(!is_wanted ||
                     (range.first + std::size_t{range.count}) * row <= range.tensor.bytes.size());
        BUNCH_DCHECK(to + bytes <= end);
        if (is_wanted) std::memcpy(to, range.tensor.bytes.data() + range.first * row, bytes);
        to += bytes;
    }
}

void scatter(const ConstTensorView& batch, std::uint32_t first, std::uint32_t count,
             const TensorView& call, std::uint32_t call_first) {
    const std::size_t row = bytes_per_row(batch);
    BUNCH_DCHECK((first + std::size_t{count}) * row <= batch.bytes.size());
    BUNCH_DCHECK((call_first + std::size_t{count}) * row <= call.bytes.size());
    if (count * row == 0) return;
    std::memcpy(call.bytes.data() + call_first * row, batch.bytes.data() + first * row,
                count * row);
}

}  // namespace bunch
