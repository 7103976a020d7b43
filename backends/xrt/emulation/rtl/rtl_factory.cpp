#include "backends/xrt/emulation/rtl/dense_rtl.h"
#include "backends/xrt/fixed_point/dense_file.h"

namespace bunch::emulation {

Result<std::unique_ptr<KernelModel>> make_dense_rtl(std::span<const std::byte> parameters) {
    BUNCH_ASSIGN_OR_RETURN(const fixed_point::DenseStack stack,
                           fixed_point::read_dense_stack(parameters));
    BUNCH_ASSIGN_OR_RETURN(std::unique_ptr<RtlKernel> kernel,
                           make_rtl_kernel(rtl_nets(), stack, {}));
    return std::unique_ptr<KernelModel>(std::move(kernel));
}

}  // namespace bunch::emulation
