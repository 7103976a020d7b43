/// Records that are named by a small number instead of an address, and reuse their memory. A
/// record's content is kept when it is released, so vectors in it keep their capacity.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

namespace bunch {

using Index = std::uint32_t;
inline constexpr Index kNone = std::numeric_limits<Index>::max();

template <typename Record>
class Slab {
  public:
    /// The number of a record whose content is whatever its last user left.
    Index acquire() {
        if (free_.empty()) {
            records_.emplace_back();
            return static_cast<Index>(records_.size() - 1);
        }
        const Index index = free_.back();
        free_.pop_back();
        return index;
    }

    void release(Index index) { free_.push_back(index); }

    Record& operator[](Index index) { return records_[index]; }
    const Record& operator[](Index index) const { return records_[index]; }

    /// One more than the highest number ever given out.
    Index end() const { return static_cast<Index>(records_.size()); }
    std::size_t in_use() const { return records_.size() - free_.size(); }

  private:
    std::vector<Record> records_;
    std::vector<Index> free_;
};

}  // namespace bunch
