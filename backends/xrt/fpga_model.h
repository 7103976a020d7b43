/// An FPGA model as files have it: a manifest and the xclbin that it names, read, checked, and
/// found to fit each other. Immutable; knows nothing of cards and needs no XRT.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backends/xrt/manifest.h"
#include "backends/xrt/xclbin.h"
#include "core/result.h"

namespace bunch::fpga {

struct FpgaModel {
    Manifest manifest;
    Xclbin xclbin;
    std::shared_ptr<const std::vector<std::byte>> file;  ///< of the xclbin; shared between models
    std::vector<std::string> units;  ///< of the kernel that may be used; at least one
    std::string image;               ///< the UUID of the xclbin

    const Kernel& kernel() const { return *xclbin.find_kernel(manifest.kernel); }

    /// What answers say they were computed in: "ap_fixed<16,6>" of the first output that has a
    /// format, or else the first input, or the type of the first input.
    std::string arithmetic() const;
};

/// Reads both files. invalid_argument or not_found say which file is wrong, where, and how; each
/// problem of a manifest is on a line of its own.
Result<std::shared_ptr<const FpgaModel>> read_model(const std::string& manifest_path);

/// Whether the manifest calls the kernel as the xclbin describes it, and where its units are.
/// Without a fault, `units` is set.
Status fit(FpgaModel& model);

}  // namespace bunch::fpga
