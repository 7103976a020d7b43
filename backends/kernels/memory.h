/// Memory for what kernels compute: blocks that are used again once nobody holds them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/result.h"

namespace bunch::kernels {

/// One thread at a time. Blocks may outlive it.
class Memory {
  public:
    /// At most `limit` bytes are held at a time.
    explicit Memory(std::uint64_t limit) : limit_(limit) {}

    /// A block of at least `bytes` bytes, aligned to 64, not initialised; `resource_exhausted`
    /// beyond the limit. shared_ptr: a block is free again when the last holder lets go.
    Result<std::shared_ptr<std::byte>> take(std::uint64_t bytes);

    /// Bytes of all blocks, in use or not.
    std::uint64_t held() const { return held_; }
    /// The most bytes that were in use at a time, as blocks were taken.
    std::uint64_t peak() const { return peak_; }

  private:
    struct Block {
        std::shared_ptr<std::byte> bytes;
        std::uint64_t size;
    };

    void drop_unused();

    std::uint64_t limit_;
    std::uint64_t held_ = 0, peak_ = 0;
    std::vector<Block> blocks_;
};

}  // namespace bunch::kernels
