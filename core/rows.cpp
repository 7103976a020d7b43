#include "core/rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/check.h"

namespace bunch {
namespace {

/// A scalar, which only a model that is not batched can have, is one row.
std::size_t bytes_per_row(const ConstTensorView& tensor) {
    if (tensor.shape.rank() == 0) return size_of(tensor.type);
    return *tensor.shape.elements_per_row() * size_of(tensor.type);
}

bool have_equal_rows(const Shape& a, const Shape& b) {
    return a.rank() == b.rank() && (a.rank() == 0 || a.with_rows(1) == b.with_rows(1));
}

void fill(std::byte* to, std::size_t bytes, const ElementBytes& padding, std::size_t element) {
    if (padding == ElementBytes{}) {
        std::memset(to, 0, bytes);
        return;
    }
    for (std::size_t i = 0; i < bytes; i += element) std::memcpy(to + i, padding.data(), element);
}

/// One row between tensors whose extents differ: what both have is copied.
class BoxCopy {
  public:
    /// `padding` null: what only `to` has is left as it is.
    BoxCopy(DataType type, const Shape& from, const Shape& to, const ElementBytes* padding)
        : rank_(from.rank()), element_(size_of(type)), from_(from), to_(to), padding_(padding) {
        BUNCH_DCHECK(rank_ >= 2 && to.rank() == rank_);
        from_bytes_[rank_ - 1] = to_bytes_[rank_ - 1] = element_;
        for (std::size_t i = rank_ - 1; i > 0; --i) {
            from_bytes_[i - 1] = from_bytes_[i] * static_cast<std::size_t>(from[i]);
            to_bytes_[i - 1] = to_bytes_[i] * static_cast<std::size_t>(to[i]);
        }
        // From this dimension on, everything lies in one piece on both sides.
        while (whole_ > 2 && from[whole_ - 1] == to[whole_ - 1]) --whole_;
    }

    void row(const std::byte* from, std::byte* to) const { copy(1, from, to); }

  private:
    void copy(std::size_t dimension, const std::byte* from, std::byte* to) const {
        const auto there = static_cast<std::size_t>(from_[dimension]);
        const auto wanted = static_cast<std::size_t>(to_[dimension]);
        const std::size_t both = std::min(there, wanted);
        const std::size_t step = to_bytes_[dimension];
        if (dimension + 1 >= whole_) {
            if (both > 0) std::memcpy(to, from, both * step);
        } else {
            for (std::size_t i = 0; i < both; ++i)
                copy(dimension + 1, from + i * from_bytes_[dimension], to + i * step);
        }
        if (padding_ != nullptr)
            fill(to + both * step, (wanted - both) * step, *padding_, element_);
    }

    std::size_t rank_;
    std::size_t element_;
    const Shape& from_;
    const Shape& to_;
    const ElementBytes* padding_;
    std::size_t whole_ = rank_;
    std::array<std::size_t, kMaxRank> from_bytes_{};  ///< of one step along each dimension
    std::array<std::size_t, kMaxRank> to_bytes_{};
};

template <typename T>
std::optional<ElementBytes> bytes_of(double value) {
    const auto low = static_cast<double>(std::numeric_limits<T>::lowest());
    const auto high = static_cast<double>(std::numeric_limits<T>::max());
    // As a double, the largest 64-bit integers round up to what they cannot hold.
    const bool fits = std::numeric_limits<T>::digits > 53 ? value < high : value <= high;
    if (!(value >= low && fits)) return std::nullopt;
    if (std::numeric_limits<T>::is_integer && value != std::floor(value)) return std::nullopt;
    const auto element = static_cast<T>(value);
    ElementBytes bytes{};
    std::memcpy(bytes.data(), &element, sizeof element);
    return bytes;
}

/// Zero, or one, whose bits are given.
std::optional<ElementBytes> zero_or(std::uint16_t one, double value) {
    if (value != 0 && value != 1) return std::nullopt;
    return bytes_of<std::uint16_t>(value == 0 ? 0 : one);
}

}  // namespace

std::optional<ElementBytes> element_of(DataType type, double value) {
    switch (type) {
        case DataType::boolean:
            if (value != 0 && value != 1) return std::nullopt;
            return bytes_of<std::uint8_t>(value);
        case DataType::u8:
            return bytes_of<std::uint8_t>(value);
        case DataType::u16:
            return bytes_of<std::uint16_t>(value);
        case DataType::u32:
            return bytes_of<std::uint32_t>(value);
        case DataType::u64:
            return bytes_of<std::uint64_t>(value);
        case DataType::i8:
            return bytes_of<std::int8_t>(value);
        case DataType::i16:
            return bytes_of<std::int16_t>(value);
        case DataType::i32:
            return bytes_of<std::int32_t>(value);
        case DataType::i64:
            return bytes_of<std::int64_t>(value);
        case DataType::f16:
            return zero_or(0x3c00, value);
        case DataType::bf16:
            return zero_or(0x3f80, value);
        case DataType::f32:
            return bytes_of<float>(value);
        case DataType::f64:
            return bytes_of<double>(value);
    }
    return std::nullopt;
}

void gather(std::span<const RowRange> ranges, const TensorView& batch,
            const ElementBytes& padding) {
    const std::size_t row = bytes_per_row(batch);
    std::byte* to = batch.bytes.data();
    [[maybe_unused]] const std::byte* const end = to + batch.bytes.size();
    for (const RowRange& range : ranges) {
        const std::size_t bytes = range.count * row;
        BUNCH_DCHECK(to + bytes <= end);
        if (range.tensor.bytes.empty()) {
            const bool is_of_length_0 = range.tensor.shape.rank() > 0;
            if (is_of_length_0) fill(to, bytes, padding, size_of(batch.type));
        } else if (have_equal_rows(range.tensor.shape, batch.shape)) {
            BUNCH_DCHECK((range.first + std::size_t{range.count}) * row <=
                         range.tensor.bytes.size());
            std::memcpy(to, range.tensor.bytes.data() + range.first * row, bytes);
        } else {
            const std::size_t own = bytes_per_row(range.tensor);
            BUNCH_DCHECK((range.first + std::size_t{range.count}) * own <=
                         range.tensor.bytes.size());
            const BoxCopy box(batch.type, range.tensor.shape, batch.shape, &padding);
            for (std::size_t i = 0; i < range.count; ++i)
                box.row(range.tensor.bytes.data() + (range.first + i) * own, to + i * row);
        }
        to += bytes;
    }
}

void scatter(const ConstTensorView& batch, std::uint32_t first, std::uint32_t count,
             const TensorView& call, std::uint32_t call_first) {
    const std::size_t row = bytes_per_row(batch);
    const std::size_t own = bytes_per_row(call);
    BUNCH_DCHECK((first + std::size_t{count}) * row <= batch.bytes.size());
    BUNCH_DCHECK((call_first + std::size_t{count}) * own <= call.bytes.size());
    if (count * own == 0) return;
    const std::byte* from = batch.bytes.data() + first * row;
    std::byte* to = call.bytes.data() + call_first * own;
    if (have_equal_rows(batch.shape, call.shape)) {
        std::memcpy(to, from, count * row);
        return;
    }
    const BoxCopy box(batch.type, batch.shape, call.shape, nullptr);
    for (std::size_t i = 0; i < count; ++i) box.row(from + i * row, to + i * own);
}

}  // namespace bunch
