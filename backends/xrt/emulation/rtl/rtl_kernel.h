/// A kernel that is simulated clock by clock, whoever made it.
#pragma once

#include <cstdint>

#include "backends/xrt/emulation/kernel_model.h"

namespace bunch::emulation {

class RtlKernel : public KernelModel {
  public:
    /// Since it was made.
    virtual std::uint64_t clocks() const = 0;
};

}  // namespace bunch::emulation
