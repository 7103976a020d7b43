/// The memory banks of an emulated card and the buffers in them. A buffer has a copy on the host
/// and one on the card, kept apart: a sync that was forgotten gives wrong numbers, as it does in
/// life.
///
/// Any thread; the bytes of a buffer belong to whoever syncs it or runs a kernel on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "backends/xrt/emulation/kernel_model.h"
#include "backends/xrt/xclbin.h"

namespace bunch::emulation {

struct CardBuffer {
    std::uint32_t flags = 0;  ///< as they were asked for
    std::size_t bytes = 0;
    std::uint64_t address = 0;  ///< physical; 0 for one that is not in a bank
    std::byte* host = nullptr;  ///< null for a buffer on the card only
    std::unique_ptr<std::byte, void (*)(void*)> owned_host{nullptr, nullptr};
    std::vector<std::byte> device;
    std::uint32_t bank = 0;
};

class CardMemory final : public Bus {
  public:
    /// Replaces the banks; buffers in the old ones stay where they are.
    void set_banks(const std::vector<fpga::Memory>& banks);

    /// Bits of the flags: the bank, and the kinds of buffers.
    static constexpr std::uint32_t kBankMask = 0xffffff;
    static constexpr std::uint32_t kDeviceOnly = 1u << 28;
    static constexpr std::uint32_t kHostOnly = 1u << 29;
    static constexpr std::uint32_t kCommand = 1u << 31;

    /// A new buffer with its own host copy, or with `user` for one, which must be aligned to a
    /// page. `taken` bytes of the bank are somebody else's. Returns its handle, or a negative
    /// errno: -ENOMEM, -EINVAL for a bank that there is not.
    std::int64_t allocate(std::size_t bytes, std::uint32_t flags, void* user, std::uint64_t taken);

    /// -ENOENT for no buffer of that handle.
    int free(std::uint32_t handle);

    /// Null for no buffer of that handle. Valid until it is freed.
    CardBuffer* find(std::uint32_t handle);

    /// Copies a part to the card or back; -EINVAL if there is no such part.
    int sync(std::uint32_t handle, bool to_card, std::size_t bytes, std::size_t offset);

    bool read(std::uint64_t address, void* to, std::size_t bytes) override;
    bool write(std::uint64_t address, const void* from, std::size_t bytes) override;

  private:
    struct Bank {
        std::uint64_t base = 0;
        std::uint64_t bytes = 0;
        std::uint64_t used = 0;
        bool present = false;
    };
    int place(CardBuffer& buffer, std::uint64_t taken);
    std::byte* bytes_at(std::uint64_t address, std::size_t bytes);

    std::mutex mutex_;  // guards all below, not the bytes of buffers
    std::vector<Bank> banks_;
    std::map<std::uint32_t, std::unique_ptr<CardBuffer>> buffers_;
    std::map<std::uint64_t, CardBuffer*> by_address_;
    std::uint32_t next_handle_ = 1;
};

}  // namespace bunch::emulation
