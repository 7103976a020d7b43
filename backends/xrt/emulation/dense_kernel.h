/// The kernel of a stack of dense layers, in C++: the reference that the RTL must match bit for
/// bit. Its parameters are a weight file (fixed_point/dense_file.h).
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "backends/xrt/emulation/kernel_model.h"

namespace bunch::emulation {

Result<std::unique_ptr<KernelModel>> make_dense_kernel(std::span<const std::byte> parameters);

}  // namespace bunch::emulation
