/// Constants of a model in the layouts that primitives want. Plans for different numbers of rows
/// share what they want alike.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>

#include "backends/graph/graph.h"

namespace bunch::cpu {

/// One constant in one layout, aligned to 64 bytes.
class Weights {
  public:
    explicit Weights(std::size_t bytes);

    void* address() const { return bytes_.get(); }
    std::size_t size() const { return size_; }

  private:
    struct Free {
        void operator()(std::byte* bytes) const;
    };
    std::unique_ptr<std::byte[], Free> bytes_;
    std::size_t size_;
};

/// Layouts that loops of our own want.
enum class OwnLayout : std::uint8_t { none, copied, winograd, streamed };

/// Not for several threads at once. May throw dnnl::error.
class WeightCache {
  public:
    explicit WeightCache(dnnl::engine engine) : engine_(std::move(engine)) {}

    const dnnl::engine& engine() const { return engine_; }

    /// The constant `id`, whose elements lie as `given` says, in layout `wanted`.
    /// shared_ptr: plans that share it go at different times.
    std::shared_ptr<const Weights> get(const Graph& graph, ValueId id,
                                       const dnnl::memory::desc& given,
                                       const dnnl::memory::desc& wanted);

    /// `floats` floats that `fill` makes of the constant `id`, and of `bias` if there is one.
    std::shared_ptr<const Weights> get(ValueId id, std::optional<ValueId> bias, OwnLayout layout,
                                       std::size_t floats, const std::function<void(float*)>& fill);

    /// Bytes of everything in the cache.
    std::size_t memory_bytes() const;

  private:
    struct Entry {
        ValueId id;
        dnnl::memory::desc desc;  ///< empty for a layout of our own
        OwnLayout layout;
        std::optional<ValueId> bias;
        std::shared_ptr<const Weights> weights;
    };
    dnnl::engine engine_;
    std::list<Entry> entries_;
};

}  // namespace bunch::cpu
