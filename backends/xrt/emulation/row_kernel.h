/// Kernels in C++ that turn rows of `in` into rows of `out`, with the registers of
/// rtl/axi_lite_control.sv: the reference that RTL must match bit for bit. A run is computed in
/// steps of some rows, so that a card that is switched off gets a word in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "backends/xrt/emulation/kernel_model.h"

namespace bunch::emulation {

struct RowKernel {
    std::size_t in_stride = 0, out_stride = 0;  ///< bytes of a row
    std::size_t rows_per_step = 64;
    /// Addresses that are no multiple of it end a run with an error and without any row.
    std::uint64_t alignment = 1;
    /// Computes `rows` rows.
    std::function<void(std::span<const std::byte> in, std::span<std::byte> out, std::size_t rows)>
        run;
};

std::unique_ptr<KernelModel> make_row_kernel(RowKernel kernel);

}  // namespace bunch::emulation
