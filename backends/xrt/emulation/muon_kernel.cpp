#include "backends/xrt/emulation/muon_kernel.h"

#include <string>
#include <utility>

#include "backends/xrt/emulation/row_kernel.h"
#include "muon/quantised/kernel_rows.h"
#include "muon/quantised/onnx_file.h"

namespace bunch::emulation {

Result<std::unique_ptr<KernelModel>> make_muon_kernel(std::span<const std::byte> parameters) {
    const std::string bytes(reinterpret_cast<const char*>(parameters.data()), parameters.size());
    Result<muon::IntegerNetwork> network = muon::parse_onnx(bytes);
    if (!network.ok()) return network.status().with_context("the parameters of a muon kernel");
    RowKernel kernel;
    kernel.in_stride = muon::kernel_input_stride(network->task);
    kernel.out_stride = muon::kernel_output_stride(network->task);
    kernel.rows_per_step = 256;
    kernel.alignment = 64;  // a beat of its AXI master
    kernel.run = [network = std::move(*network)](std::span<const std::byte> in,
                                                 std::span<std::byte> out, std::size_t /*rows*/) {
        muon::run_rows(network, in, out);
    };
    return make_row_kernel(std::move(kernel));
}

}  // namespace bunch::emulation
