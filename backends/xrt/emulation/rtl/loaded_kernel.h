/// Kernels whose RTL was compiled apart from this build, by Verilator into a shared library with
/// the functions of kernel_pins.h: 'bunch-muon kernel --rtl' makes one of any network and puts it
/// into the xclbin, where a real card's bitstream would be. For the emulated card alone.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "backends/xrt/emulation/kernel_model.h"
#include "backends/xrt/emulation/rtl/axi_memory.h"
#include "backends/xrt/emulation/rtl/rtl_kernel.h"
#include "core/result.h"

namespace bunch::emulation {

/// A unit of the kernel in the library with these bytes. invalid_argument if they are no such
/// library; its code runs in this process.
Result<std::unique_ptr<RtlKernel>> load_rtl_kernel(std::span<const std::byte> library,
                                                   const Stalls& stalls);

/// The factory "compiled_rtl" of kernel_models.cpp.
Result<std::unique_ptr<KernelModel>> make_loaded_kernel(std::span<const std::byte> parameters);

}  // namespace bunch::emulation
