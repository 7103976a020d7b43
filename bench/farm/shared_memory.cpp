#include "bench/farm/shared_memory.h"

#include <sys/mman.h>

#include <new>
#include <utility>

namespace bunch::farm {

SharedBytes::SharedBytes(std::size_t size) : size_(size == 0 ? 1 : size) {
    void* pages = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) throw std::bad_alloc();
    data_ = static_cast<std::byte*>(pages);
}

SharedBytes::SharedBytes(SharedBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(other.size_) {}

SharedBytes::~SharedBytes() {
    if (data_ != nullptr) munmap(data_, size_);
}

}  // namespace bunch::farm
