/// The extents of a tensor, in a value without allocations.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>

namespace bunch {

inline constexpr std::size_t kMaxRank = 8;

/// An extent that a model leaves open. Shapes of data never hold it.
inline constexpr std::int64_t kAnyExtent = -1;

/// Up to kMaxRank extents, outermost first. Rank 0 is a scalar of one element.
class Shape {
  public:
    Shape() = default;

    /// At most kMaxRank extents: for literals. Text and messages go through `from`.
    Shape(std::initializer_list<std::int64_t> extents);

    /// Nothing if there are more than kMaxRank extents or one is below kAnyExtent.
    static std::optional<Shape> from(std::span<const std::int64_t> extents);

    std::size_t rank() const { return rank_; }
    std::int64_t operator[](std::size_t dimension) const { return extents_[dimension]; }
    void set(std::size_t dimension, std::int64_t extent) { extents_[dimension] = extent; }
    std::span<const std::int64_t> extents() const { return {extents_.data(), rank_}; }

    /// Whether any extent is kAnyExtent.
    bool is_open() const;

    /// The product of the extents; nothing if the shape is open or the product exceeds 2^62.
    std::optional<std::uint64_t> elements() const;

    /// Elements of one row, i.e. the product of all extents after the first. Needs rank >= 1.
    std::optional<std::uint64_t> elements_per_row() const;

    /// The same with another first extent. Needs rank >= 1.
    Shape with_rows(std::int64_t rows) const;

    /// Whether `data` has the same rank and equal extents wherever this one is not kAnyExtent.
    bool admits(const Shape& data) const;

    /// "[8,3,224,224]", with -1 for kAnyExtent.
    std::string to_string() const;

    friend bool operator==(const Shape& a, const Shape& b) {
        if (a.rank_ != b.rank_) return false;
        for (std::size_t i = 0; i < a.rank_; ++i)
            if (a.extents_[i] != b.extents_[i]) return false;
        return true;
    }

  private:
    std::array<std::int64_t, kMaxRank> extents_{};
    std::uint8_t rank_ = 0;
};

}  // namespace bunch
