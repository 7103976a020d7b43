/// Counts what a program allocates. Link allocation_count.cpp into the program itself: it replaces
/// operator new and delete for all of it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bunch {

/// Calls of operator new so far.
std::uint64_t allocations();

/// Bytes that are allocated now, as the allocator rounds them.
std::size_t bytes_in_use();

}  // namespace bunch
