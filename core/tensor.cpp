#include "core/tensor.h"

#include <cstring>
#include <new>

namespace bunch {
namespace {

constexpr std::align_val_t kAlignment{64};

void release_allocated(void* memory) {
    ::operator delete(memory, kAlignment);
}

}  // namespace

void Buffer::take(Buffer& other) noexcept {
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    release_ = std::exchange(other.release_, nullptr);
    context_ = std::exchange(other.context_, nullptr);
    inline_ = std::exchange(other.inline_, false);
    if (inline_) std::memcpy(inline_bytes_.data(), other.inline_bytes_.data(), kInline);
}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
    if (this != &other) {
        reset();
        take(other);
    }
    return *this;
}

Buffer Buffer::allocate(std::size_t size) {
    Buffer buffer;
    buffer.size_ = size;
    if (size <= kInline) {
        buffer.inline_ = true;
        return buffer;
    }
    void* memory = ::operator new(size, kAlignment);
    buffer.data_ = static_cast<std::byte*>(memory);
    buffer.release_ = &release_allocated;
    buffer.context_ = memory;
    return buffer;
}

Buffer Buffer::copy_of(std::span<const std::byte> bytes) {
    Buffer buffer = allocate(bytes.size());
    if (!bytes.empty()) std::memcpy(buffer.data(), bytes.data(), bytes.size());
    return buffer;
}

Buffer Buffer::hold(std::span<std::byte> bytes, Release release, void* context) {
    Buffer buffer;
    buffer.data_ = bytes.data();
    buffer.size_ = bytes.size();
    buffer.release_ = release;
    buffer.context_ = context;
    return buffer;
}

void Buffer::reset() {
    if (release_ != nullptr) release_(context_);
    data_ = nullptr;
    size_ = 0;
    release_ = nullptr;
    context_ = nullptr;
    inline_ = false;
}

std::optional<std::uint64_t> byte_size(DataType type, const Shape& shape) {
    const auto elements = shape.elements();
    if (!elements || *elements > (std::uint64_t{1} << 62) / size_of(type)) return std::nullopt;
    return *elements * size_of(type);
}

}  // namespace bunch
