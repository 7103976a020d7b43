/// A generated kernel compiled by Verilator into a shared library that an emulated card loads in
/// place of a bitstream (backends/xrt/emulation/rtl/loaded_kernel.h).
#pragma once

#include <string>

#include "core/result.h"
#include "muon/rtl/generator.h"

namespace bunch::muon {

/// The library's bytes. `scratch` is a folder that is made and removed. unavailable without
/// verilator; internal with what Verilator said if it refuses the text. Takes half a minute.
Result<std::string> compile_kernel(const Rtl& rtl, const std::string& scratch);

}  // namespace bunch::muon
