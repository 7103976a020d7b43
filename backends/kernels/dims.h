/// Extents and strides as kernels compute with them: up to kMaxRank signed numbers, indexed by
/// signed numbers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "core/check.h"
#include "core/shape.h"

namespace bunch::kernels {

/// No extent of any tensor is larger: sums and small products of extents then never overflow.
inline constexpr std::int64_t kMaxExtent = std::int64_t{1} << 40;

class Dims {
  public:
    Dims() = default;
    explicit Dims(const Shape& shape) : rank_(static_cast<std::int64_t>(shape.rank())) {
        for (std::size_t i = 0; i < shape.rank(); ++i) numbers_[i] = shape[i];
    }
    static Dims filled(std::int64_t rank, std::int64_t number) {
        Dims dims;
        for (std::int64_t i = 0; i < rank; ++i) dims.push(number);
        return dims;
    }

    std::int64_t rank() const { return rank_; }
    std::int64_t& operator[](std::int64_t i) { return numbers_[static_cast<std::size_t>(i)]; }
    std::int64_t operator[](std::int64_t i) const { return numbers_[static_cast<std::size_t>(i)]; }
    /// Needs room: rank() < kMaxRank.
    void push(std::int64_t number) {
        BUNCH_CHECK(rank_ < static_cast<std::int64_t>(kMaxRank));
        (*this)[rank_++] = number;
    }
    /// The product of extents [begin, end).
    std::int64_t product(std::int64_t begin, std::int64_t end) const {
        std::int64_t total = 1;
        for (std::int64_t i = begin; i < end; ++i) total *= (*this)[i];
        return total;
    }
    std::int64_t product() const { return product(0, rank_); }
    /// Row-major strides of these extents, in elements.
    Dims strides() const {
        Dims strides = filled(rank_, 1);
        for (std::int64_t i = rank_ - 1; i-- > 0;) strides[i] = strides[i + 1] * (*this)[i + 1];
        return strides;
    }
    Shape shape() const {
        std::array<std::int64_t, kMaxRank> extents = numbers_;
        const auto made = Shape::from({extents.data(), static_cast<std::size_t>(rank_)});
        BUNCH_CHECK(made.has_value());
        return *made;
    }

  private:
    std::array<std::int64_t, kMaxRank> numbers_{};
    std::int64_t rank_ = 0;
};

/// Steps through all indexes of `extents`, last fastest, and calls f(offsets...) where each offset
/// follows its own strides. `extents` must not be empty of elements: callers check.
template <typename F>
void for_each_offset(const Dims& extents, const Dims& a, const Dims& b, F f) {
    Dims index = Dims::filled(extents.rank(), 0);
    std::int64_t at_a = 0, at_b = 0;
    const std::int64_t total = extents.product();
    for (std::int64_t done = 0; done < total; ++done) {
        f(at_a, at_b);
        for (std::int64_t i = extents.rank(); i-- > 0;) {
            at_a += a[i];
            at_b += b[i];
            if (++index[i] < extents[i]) break;
            at_a -= a[i] * extents[i];
            at_b -= b[i] * extents[i];
            index[i] = 0;
        }
    }
}

}  // namespace bunch::kernels
