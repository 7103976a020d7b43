#include "backends/xrt/emulation/dense_kernel.h"

#include <utility>

#include "backends/xrt/emulation/row_kernel.h"
#include "backends/xrt/fixed_point/dense_file.h"
#include "backends/xrt/fixed_point/dense_stack.h"

namespace bunch::emulation {

Result<std::unique_ptr<KernelModel>> make_dense_kernel(std::span<const std::byte> parameters) {
    BUNCH_ASSIGN_OR_RETURN(fixed_point::DenseStack stack,
                           fixed_point::read_dense_stack(parameters));
    RowKernel kernel;
    kernel.in_stride = stack.input_stride(kDenseRowAlign);
    kernel.out_stride = stack.output_stride(kDenseRowAlign);
    kernel.run = [stack = std::move(stack)](std::span<const std::byte> in, std::span<std::byte> out,
                                            std::size_t rows) {
        stack.run_stored(in, out, rows, kDenseRowAlign);
    };
    return make_row_kernel(std::move(kernel));
}

}  // namespace bunch::emulation
