#include "backends/kernels/memory.h"

#include <algorithm>
#include <new>
#include <string>

namespace bunch::kernels {
namespace {

constexpr std::align_val_t kAlignment{64};
constexpr std::uint64_t kGrain = 256;

}  // namespace

void Memory::drop_unused() {
    std::erase_if(blocks_, [this](const Block& block) {
        const bool unused = block.bytes.use_count() == 1;
        if (unused) held_ -= block.size;
        return unused;
    });
}

// The smallest free block that fits, unless it wastes more than it gives.
Result<std::shared_ptr<std::byte>> Memory::take(std::uint64_t bytes) {
    const auto refused = [&] {
        return resource_exhausted(std::to_string(bytes) + " bytes more than the limit of " +
                                  std::to_string(limit_) + " for what a model computes");
    };
    if (bytes > limit_) return refused();
    const std::uint64_t size = (std::max<std::uint64_t>(bytes, 1) + kGrain - 1) / kGrain * kGrain;
    const Block* best = nullptr;
    std::uint64_t used = size;
    for (const Block& block : blocks_) {
        if (block.bytes.use_count() > 1) {
            used += block.size;
        } else if (block.size >= size && block.size <= 2 * size &&
                   (best == nullptr || block.size < best->size)) {
            best = &block;
        }
    }
    peak_ = std::max(peak_, used);
    if (best != nullptr) return best->bytes;
    if (size > limit_ || held_ > limit_ - size) drop_unused();
    if (size > limit_ || held_ > limit_ - size) return refused();
    auto* memory = static_cast<std::byte*>(operator new(size, kAlignment, std::nothrow));
    if (memory == nullptr)
        return resource_exhausted("no memory for " + std::to_string(bytes) + " bytes");
    std::shared_ptr<std::byte> block(memory, [](std::byte* p) { operator delete(p, kAlignment); });
    held_ += size;
    blocks_.push_back({block, size});
    return block;
}

}  // namespace bunch::kernels
