/// The XRT kernel around a generated stream, as text: registers on AXI4-Lite, rows read and written
/// through an AXI4 master, and kernel.xml, which describes it to AMD's tools. The modules for
/// registers and bursts are those of all kernels (kernel_files.h).
///
/// How rows lie in memory: quantised/kernel_rows.h.
#pragma once

#include <string>

#include "muon/encoding.h"

namespace bunch::muon {

/// Name of the top module, and of the kernel.
inline constexpr const char* kKernelName = "muon_kernel";
/// `identity` is the network's; the bits are those of the stream.
std::string kernel_text(Task task, const std::string& identity, int input_bits, int output_bits);

std::string kernel_xml();

}  // namespace bunch::muon
