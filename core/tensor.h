/// Tensors: bytes with a type and a shape. Elements are dense, row-major and little-endian.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "core/data_type.h"
#include "core/shape.h"

namespace bunch {

/// Bytes that somebody else may have allocated, given back through a release function. Movable,
/// never copied; owned by one thread at a time. Buffers of at most kInline bytes live inside.
class Buffer {
  public:
    /// Called once with the `context` it was registered with, on whichever thread drops the buffer.
    using Release = void (*)(void* context);

    static constexpr std::size_t kInline = 64;

    Buffer() = default;
    Buffer(Buffer&& other) noexcept { take(other); }
    Buffer& operator=(Buffer&& other) noexcept;
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() { reset(); }

    /// `size` bytes, not initialised, aligned to 64.
    static Buffer allocate(std::size_t size);

    /// A copy of `bytes`.
    static Buffer copy_of(std::span<const std::byte> bytes);

    /// `bytes` as they lie, held until this buffer goes; `release` may be null.
    static Buffer hold(std::span<std::byte> bytes, Release release, void* context);

    std::span<std::byte> bytes() { return {data(), size_}; }
    std::span<const std::byte> bytes() const { return {data(), size_}; }
    std::size_t size() const { return size_; }

    /// Gives the bytes back now.
    void reset();

  private:
    std::byte* data() { return inline_ ? inline_bytes_.data() : data_; }
    const std::byte* data() const { return inline_ ? inline_bytes_.data() : data_; }
    void take(Buffer& other) noexcept;

    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
    Release release_ = nullptr;
    void* context_ = nullptr;
    bool inline_ = false;
    alignas(16) std::array<std::byte, kInline> inline_bytes_;
};

/// Borrowed elements, writable. Valid only as long as whoever made the view says.
struct TensorView {
    DataType type = DataType::f32;
    Shape shape;
    std::span<std::byte> bytes;
};

/// Borrowed elements.
struct ConstTensorView {
    ConstTensorView() = default;
    ConstTensorView(DataType data_type, const Shape& extents, std::span<const std::byte> content)
        : type(data_type), shape(extents), bytes(content) {}
    ConstTensorView(const TensorView& view)  // NOLINT: implicit on purpose
        : type(view.type), shape(view.shape), bytes(view.bytes) {}

    DataType type = DataType::f32;
    Shape shape;
    std::span<const std::byte> bytes;
};

/// Elements that it owns. `buffer` has exactly as many bytes as type and shape say.
struct Tensor {
    DataType type = DataType::f32;
    Shape shape;
    Buffer buffer;

    TensorView view() { return {type, shape, buffer.bytes()}; }
    ConstTensorView view() const { return {type, shape, buffer.bytes()}; }
};

/// Bytes of a dense tensor; nothing if the shape is open or the number does not fit 62 bits.
std::optional<std::uint64_t> byte_size(DataType type, const Shape& shape);

}  // namespace bunch
