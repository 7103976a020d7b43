/// The primitives that one kernel made for the shapes that it met last.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <oneapi/dnnl/dnnl.hpp>
#include <utility>
#include <vector>

namespace bunch::cpu {

/// Key: all numbers that the primitive depends on. Least recently used goes first.
template <typename Entry>
class PrimitiveCache {
  public:
    using Key = std::vector<std::int64_t>;
    static constexpr std::size_t kMost = 16;

    /// The entry of `key`, made by `make` if there is none. May throw what `make` throws.
    template <typename Make>
    Entry& get(const Key& key, Make make) {
        for (auto i = entries_.begin(); i != entries_.end(); ++i) {
            if (i->first != key) continue;
            entries_.splice(entries_.begin(), entries_, i);
            return entries_.front().second;
        }
        entries_.emplace_front(key, make());
        if (entries_.size() > kMost) entries_.pop_back();
        return entries_.front().second;
    }

  private:
    std::list<std::pair<Key, Entry>> entries_;
};

/// One engine for all kernels of the process, and a stream of it.
const dnnl::engine& shared_engine();

}  // namespace bunch::cpu
