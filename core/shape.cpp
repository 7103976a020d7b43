#include "core/shape.h"

#include <algorithm>

#include "core/check.h"

namespace bunch {
namespace {

constexpr std::uint64_t kMaxElements = std::uint64_t{1} << 62;

std::optional<std::uint64_t> product(std::span<const std::int64_t> extents) {
    std::uint64_t total = 1;
    bool empty = false;
    for (const std::int64_t extent : extents) {
        if (extent < 0) return std::nullopt;
        if (extent == 0) {
            empty = true;
            continue;
        }
        const auto factor = static_cast<std::uint64_t>(extent);
        if (total > kMaxElements / factor) return std::nullopt;
        total *= factor;
    }
    return empty ? 0 : total;
}

}  // namespace

Shape::Shape(std::initializer_list<std::int64_t> extents) {
    BUNCH_CHECK(extents.size() <= kMaxRank);
    std::copy(extents.begin(), extents.end(), extents_.begin());
    rank_ = static_cast<std::uint8_t>(extents.size());
}

std::optional<Shape> Shape::from(std::span<const std::int64_t> extents) {
    if (extents.size() > kMaxRank) return std::nullopt;
    if (std::any_of(extents.begin(), extents.end(), [](auto e) { return e < kAnyExtent; }))
        return std::nullopt;
    Shape shape;
    std::copy(extents.begin(), extents.end(), shape.extents_.begin());
    shape.rank_ = static_cast<std::uint8_t>(extents.size());
    return shape;
}

bool Shape::is_open() const {
    return std::any_of(extents_.begin(), extents_.begin() + rank_,
                       [](auto e) { return e == kAnyExtent; });
}

std::optional<std::uint64_t> Shape::elements() const {
    return product(extents());
}

std::optional<std::uint64_t> Shape::elements_per_row() const {
    BUNCH_CHECK(rank_ >= 1);
    return product(extents().subspan(1));
}

Shape Shape::with_rows(std::int64_t rows) const {
    BUNCH_CHECK(rank_ >= 1);
    Shape shape = *this;
    shape.extents_[0] = rows;
    return shape;
}

bool Shape::admits(const Shape& data) const {
    if (rank_ != data.rank_) return false;
    for (std::size_t i = 0; i < rank_; ++i) {
        if (extents_[i] != kAnyExtent && extents_[i] != data.extents_[i]) return false;
    }
    return true;
}

std::string Shape::to_string() const {
    std::string text = "[";
    for (std::size_t i = 0; i < rank_; ++i) {
        if (i > 0) text += ',';
        text += std::to_string(extents_[i]);
    }
    return text + "]";
}

}  // namespace bunch
