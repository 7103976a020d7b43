/// The kernel of a network of integers for muons, in C++: the reference that its RTL must match bit
/// for bit. Its parameters are the network's ONNX file (muon/quantised/onnx_file.h); rows lie in
/// memory as muon/quantised/kernel_rows.h says; registers are those of dense stacks.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "backends/xrt/emulation/kernel_model.h"

namespace bunch::emulation {

Result<std::unique_ptr<KernelModel>> make_muon_kernel(std::span<const std::byte> parameters);

}  // namespace bunch::emulation
