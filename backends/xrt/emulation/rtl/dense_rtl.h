/// Dense stacks as RTL: what describes a stack to dense_kernel.sv, and the Verilated kernels of
/// this build behind the KernelModel interface. A Verilated kernel has its layer sizes and formats
/// built in, and reads only its weights; so a stack runs on the one that was built from its
/// description.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "backends/xrt/emulation/kernel_model.h"
#include "backends/xrt/emulation/rtl/axi_memory.h"
#include "backends/xrt/emulation/rtl/rtl_kernel.h"
#include "backends/xrt/fixed_point/dense_stack.h"
#include "core/result.h"

namespace bunch::emulation {

/// The text of dense_net.svh: sizes, formats and places in the weight file. Equal for stacks that
/// differ in their weights only.
std::string rtl_description(const fixed_point::DenseStack& stack);

/// The text that $readmemh reads: all numbers in the order of the weight file, 32 bits per line.
std::string rtl_weights(const fixed_point::DenseStack& stack);

/// A row's clocks from the first product to the queue behind the network.
int rtl_latency(const fixed_point::DenseStack& stack);

/// One Verilated network.
struct RtlNet {
    const char* name;         ///< "facile"
    const char* description;  ///< the dense_net.svh that it was built from
    std::unique_ptr<RtlKernel> (*make)(const std::string& weights_path, const Stalls& stalls);
};

/// A unit of the first of `nets` that has the stack's description, with the stack's weights.
/// invalid_argument if there is none.
Result<std::unique_ptr<RtlKernel>> make_rtl_kernel(std::span<const RtlNet> nets,
                                                   const fixed_point::DenseStack& stack,
                                                   const Stalls& stalls);

/// Those of this build, folders of nets/. Only where there is Verilator, as is the next one.
std::span<const RtlNet> rtl_nets();

/// The factory "dense_rtl" of kernel_models.cpp: `parameters` is a weight file (dense_file.h).
Result<std::unique_ptr<KernelModel>> make_dense_rtl(std::span<const std::byte> parameters);

}  // namespace bunch::emulation
