#include "backends/xrt/emulation/card_memory.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace bunch::emulation {
namespace {

constexpr std::size_t kPage = 4096;

std::uint64_t rounded(std::uint64_t bytes) {
    return (bytes + kPage - 1) / kPage * kPage;
}

}  // namespace

void CardMemory::set_banks(const std::vector<fpga::Memory>& banks) {
    const std::lock_guard lock(mutex_);
    banks_.clear();
    for (const fpga::Memory& bank : banks) banks_.push_back({bank.base, bank.bytes, 0, bank.used});
}

int CardMemory::place(CardBuffer& buffer, std::uint64_t taken) {
    if (buffer.bank >= banks_.size() || !banks_[buffer.bank].present) return -EINVAL;
    Bank& bank = banks_[buffer.bank];
    const std::uint64_t need = rounded(buffer.bytes);
    if (need + bank.used + taken > bank.bytes) return -ENOMEM;
    // First fit between the buffers of the bank.
    std::uint64_t at = bank.base;
    for (auto next = by_address_.lower_bound(at);
         next != by_address_.end() && next->first < bank.base + bank.bytes; ++next) {
        if (next->first >= at + need) break;
        at = next->first + rounded(next->second->bytes);
    }
    if (at + need > bank.base + bank.bytes) return -ENOMEM;
    buffer.address = at;
    buffer.device.assign(buffer.bytes, std::byte{0});
    bank.used += need;
    by_address_[at] = &buffer;
    return 0;
}

std::int64_t CardMemory::allocate(std::size_t bytes, std::uint32_t flags, void* user,
                                  std::uint64_t taken) {
    if (bytes == 0 || reinterpret_cast<std::uintptr_t>(user) % kPage != 0) return -EINVAL;
    auto buffer = std::make_unique<CardBuffer>();
    buffer->flags = flags;
    buffer->bytes = bytes;
    buffer->bank = flags & kBankMask;
    buffer->host = static_cast<std::byte*>(user);
    if (user == nullptr && (flags & kDeviceOnly) == 0) {
        buffer->owned_host = {static_cast<std::byte*>(std::aligned_alloc(kPage, rounded(bytes))),
                              std::free};
        buffer->host = buffer->owned_host.get();
        if (buffer->host == nullptr) return -ENOMEM;
        std::memset(buffer->host, 0, bytes);
    }
    const std::lock_guard lock(mutex_);
    if ((flags & (kHostOnly | kCommand)) == 0) {
        if (const int error = place(*buffer, taken); error != 0) return error;
    }
    const std::uint32_t handle = next_handle_++;
    buffers_[handle] = std::move(buffer);
    return handle;
}

int CardMemory::free(std::uint32_t handle) {
    const std::lock_guard lock(mutex_);
    const auto found = buffers_.find(handle);
    if (found == buffers_.end()) return -ENOENT;
    const CardBuffer& buffer = *found->second;
    if (buffer.address != 0) {
        by_address_.erase(buffer.address);
        // The banks may be those of another design by now.
        if (buffer.bank < banks_.size()) {
            Bank& bank = banks_[buffer.bank];
            bank.used -= std::min(bank.used, rounded(buffer.bytes));
        }
    }
    buffers_.erase(found);
    return 0;
}

CardBuffer* CardMemory::find(std::uint32_t handle) {
    const std::lock_guard lock(mutex_);
    const auto found = buffers_.find(handle);
    return found == buffers_.end() ? nullptr : found->second.get();
}

int CardMemory::sync(std::uint32_t handle, bool to_card, std::size_t bytes, std::size_t offset) {
    CardBuffer* const buffer = find(handle);
    if (buffer == nullptr) return -ENOENT;
    if (offset > buffer->bytes || bytes > buffer->bytes - offset) return -EINVAL;
    if (buffer->host == nullptr || buffer->device.empty()) return 0;
    if (to_card)
        std::memcpy(buffer->device.data() + offset, buffer->host + offset, bytes);
    else
        std::memcpy(buffer->host + offset, buffer->device.data() + offset, bytes);
    return 0;
}

std::byte* CardMemory::bytes_at(std::uint64_t address, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    auto found = by_address_.upper_bound(address);
    if (found == by_address_.begin()) return nullptr;
    --found;
    CardBuffer& buffer = *found->second;
    const std::uint64_t offset = address - found->first;
    if (offset > buffer.bytes || bytes > buffer.bytes - offset) return nullptr;
    return buffer.device.data() + offset;
}

bool CardMemory::read(std::uint64_t address, void* to, std::size_t bytes) {
    const std::byte* const from = bytes_at(address, bytes);
    if (from == nullptr) return false;
    std::memcpy(to, from, bytes);
    return true;
}

bool CardMemory::write(std::uint64_t address, const void* from, std::size_t bytes) {
    std::byte* const to = bytes_at(address, bytes);
    if (to == nullptr) return false;
    std::memcpy(to, from, bytes);
    return true;
}

}  // namespace bunch::emulation
