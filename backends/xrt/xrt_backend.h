/// The backend of FPGA cards that the Xilinx runtime drives. A model is a manifest with an xclbin;
/// a lane is a compute unit. It knows nothing of emulation: which card XRT opens is XRT's business.
#pragma once

#include <memory>

#include "backends/runner/backend.h"
#include "core/result.h"

namespace bunch {

/// Options: see xrt_options.h. `unavailable` where there is no such card.
Result<std::unique_ptr<Backend>> make_xrt_backend(const BackendOptions& options);

}  // namespace bunch
