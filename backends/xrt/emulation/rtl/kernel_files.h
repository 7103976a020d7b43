/// The parts of a kernel's RTL that every kernel shares, as text: registers, bursts, and the reader
/// and writer of rows; and the sources that make a library of a Verilated kernel (kernel_pins.h).
/// For programs that write kernels where this source tree is not.
#pragma once

#include <span>

namespace bunch::emulation {

struct KernelFile {
    const char* name;
    const char* text;
};

/// axi_burst.sv, axi_lite_control.sv, axi_row_reader.sv, axi_row_writer.sv.
std::span<const KernelFile> kernel_rtl_files();

/// kernel_pins.h, kernel_pins.cpp.
std::span<const KernelFile> kernel_library_files();

}  // namespace bunch::emulation
