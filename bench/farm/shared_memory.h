/// Memory that a process shares with those it forks later; gone with the last of them.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

namespace bunch::farm {

/// Zeroed pages. Ends the process if the machine has none left, as any allocation would.
class SharedBytes {
  public:
    explicit SharedBytes(std::size_t size);
    SharedBytes(SharedBytes&& other) noexcept;
    SharedBytes& operator=(SharedBytes&&) = delete;
    ~SharedBytes();

    std::byte* data() const { return data_; }
    std::size_t size() const { return size_; }

  private:
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

/// `count` elements whose zero bytes are a valid value; no constructor or destructor runs.
template <typename T>
class SharedArray {
  public:
    explicit SharedArray(std::size_t count) : bytes_(count * sizeof(T)), count_(count) {
        static_assert(std::is_trivially_destructible_v<T> && std::is_standard_layout_v<T>);
    }

    std::span<T> all() const { return {reinterpret_cast<T*>(bytes_.data()), count_}; }
    T& operator[](std::size_t index) const { return all()[index]; }

  private:
    SharedBytes bytes_;
    std::size_t count_;
};

}  // namespace bunch::farm
