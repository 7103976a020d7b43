/// A kernel that copies rows, for tests and benchmarks: it takes no time to speak of. Its registers
/// are those of the dense kernels; its parameters are the text "IN OUT", the bytes of a row of its
/// input and output. A row of the output is that of the input, cut off or filled with zeros.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "backends/xrt/emulation/kernel_model.h"

namespace bunch::emulation {

Result<std::unique_ptr<KernelModel>> make_copy_kernel(std::span<const std::byte> parameters);

}  // namespace bunch::emulation
