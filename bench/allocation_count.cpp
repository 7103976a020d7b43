#include "bench/allocation_count.h"

#include <malloc.h>

#include <cstdlib>
#include <new>

namespace bunch {
namespace {

// The programs that count have one thread.
std::uint64_t count = 0;
std::size_t in_use = 0;

void* counted(void* memory) {
    if (memory == nullptr) std::abort();
    ++count;
    in_use += malloc_usable_size(memory);
    return memory;
}

void release(void* memory) {
    in_use -= malloc_usable_size(memory);
    std::free(memory);
}

}  // namespace

std::uint64_t allocations() {
    return count;
}

std::size_t bytes_in_use() {
    return in_use;
}

}  // namespace bunch

void* operator new(std::size_t size) {
    return bunch::counted(std::malloc(size == 0 ? 1 : size));
}

void* operator new[](std::size_t size) {
    return ::operator new(size);
}

void* operator new(std::size_t size, std::align_val_t align) {
    const auto to = static_cast<std::size_t>(align);
    return bunch::counted(std::aligned_alloc(to, (size + to - 1) / to * to));
}

void* operator new[](std::size_t size, std::align_val_t align) {
    return ::operator new(size, align);
}

void operator delete(void* memory) noexcept {
    bunch::release(memory);
}

void operator delete[](void* memory) noexcept {
    bunch::release(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
    bunch::release(memory);
}

void operator delete[](void* memory, std::size_t) noexcept {
    bunch::release(memory);
}

void operator delete(void* memory, std::align_val_t) noexcept {
    bunch::release(memory);
}

void operator delete[](void* memory, std::align_val_t) noexcept {
    bunch::release(memory);
}

void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    bunch::release(memory);
}

void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
    bunch::release(memory);
}
