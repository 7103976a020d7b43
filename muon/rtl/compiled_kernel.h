/// A generated kernel compiled by Verilator into a shared library that an emulated card loads in
/// place of a bitstream (backends/xrt/emulation/rtl/loaded_kernel.h).
#pragma once

#include <string>

#include "core/result.h"
#include "muon/rtl/generator.h"

namespace bunch::muon {

/// The library's bytes, equal for equal texts. unavailable without verilator or a temporary folder
/// that it can work in; internal with what Verilator said if it refuses the text. Takes half a
/// minute.
Result<std::string> compile_kernel(const Rtl& rtl);

}  // namespace bunch::muon
