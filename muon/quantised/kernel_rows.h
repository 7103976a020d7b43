/// Rows as they lie in the memory of a card that runs a network of integers: fields in and results
/// out as INT16, little-endian, then zeros up to a multiple of 8 bytes. The C++ side of what
/// muon_kernel.sv reads and writes.
#pragma once

#include <cstddef>
#include <span>

#include "muon/quantised/integer_network.h"

namespace bunch::muon {

/// What a row is padded to.
inline constexpr std::size_t kKernelRowAlign = 8;

/// Bytes from one row of fields, or of results, to the next.
std::size_t kernel_input_stride(Task task);
std::size_t kernel_output_stride(Task task);

/// As many rows as `in` has; `out` is as long as their results.
void run_rows(const IntegerNetwork& network, std::span<const std::byte> in,
              std::span<std::byte> out);

}  // namespace bunch::muon
