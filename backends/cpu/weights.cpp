#include "backends/cpu/weights.h"

#include <new>

namespace bunch::cpu {
namespace {

constexpr std::align_val_t kAlignment{64};

}  // namespace

void Weights::Free::operator()(std::byte* bytes) const {
    operator delete[](bytes, kAlignment);
}

Weights::Weights(std::size_t bytes)
    : bytes_(static_cast<std::byte*>(operator new[](bytes, kAlignment))), size_(bytes) {}

std::shared_ptr<const Weights> WeightCache::get(const Graph& graph, ValueId id,
                                                const dnnl::memory::desc& given,
                                                const dnnl::memory::desc& wanted) {
    for (const Entry& entry : entries_)
        if (entry.id == id && entry.layout == OwnLayout::none && entry.desc == wanted)
            return entry.weights;
    const auto weights = std::make_shared<const Weights>(wanted.get_size());
    // oneDNN has no const handles; a reorder only reads its source.
    auto* source = const_cast<std::byte*>(graph.at(id).constant->buffer.bytes().data());
    dnnl::memory from(given, engine_, source);
    dnnl::memory to(wanted, engine_, weights->address());
    dnnl::stream stream(engine_);
    dnnl::reorder(from, to).execute(stream, from, to);
    stream.wait();
    entries_.push_back({id, wanted, OwnLayout::none, std::nullopt, weights});
    return weights;
}

std::shared_ptr<const Weights> WeightCache::get(ValueId id, std::optional<ValueId> bias,
                                                OwnLayout layout, std::size_t floats,
                                                const std::function<void(float*)>& fill) {
    for (const Entry& entry : entries_)
        if (entry.id == id && entry.layout == layout && entry.bias == bias) return entry.weights;
    const auto weights = std::make_shared<const Weights>(floats * sizeof(float));
    fill(static_cast<float*>(weights->address()));
    entries_.push_back({id, {}, layout, bias, weights});
    return weights;
}

std::size_t WeightCache::memory_bytes() const {
    std::size_t total = 0;
    for (const Entry& entry : entries_) total += entry.weights->size();
    return total;
}

}  // namespace bunch::cpu
