/// The xclbin of an emulated card with one kernel of the kind kernel(rows, in, out), its units all
/// on one bank of memory (kernel_model.h has the registers).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "backends/xrt/emulation/bitstream.h"
#include "core/result.h"

namespace bunch::emulation {

/// Of an Alveo card's memory ports.
inline constexpr std::uint32_t kMaxUnits = 15;

/// invalid_argument for 0 or more than kMaxUnits units: to be asked before what takes long.
Status check_units(std::uint32_t units);

/// The file. Equal designs have equal identities (UUIDs), so that a card is not loaded anew for
/// nothing. invalid_argument as check_units() says, or for a name that is none.
Result<std::vector<std::byte>> write_rows_design(const KernelImage& image, std::uint32_t units);

}  // namespace bunch::emulation
