/// FPGA models of the zoo: folders with all that an emulated card needs to serve them, and the same
/// network in floating point beside it. As everywhere in the zoo, the weights are drawn, not
/// trained. A real card needs a real bitstream in the xclbin: docs/FPGA.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "zoo/fpga/dense_network.h"
#include "zoo/zoo.h"

namespace bunch {

/// Names and summaries, in a fixed order:
///
/// | name        | input "input", FP32 | output "output" | fixed point    |
/// |-------------|---------------------|-----------------|----------------|
/// | facile_fpga | [N,18]              | [N,1]           | ap_fixed<16,6> |
/// | muon_fpga   | [N,5]               | [N,3]           | ap_fixed<18,6> |
const std::vector<ZooModel>& fpga_zoo_models();

struct FpgaZooOptions {
    std::uint64_t seed = 1;
    std::uint32_t units = 1;  ///< compute units in the xclbin
    bool rtl = false;         ///< computed by the RTL under Verilator, not by the C++ model
};

/// What was written and how good the fixed point is.
struct FpgaZooResult {
    std::string manifest;  ///< path of the file that a [[model]] names
    Deviation deviation;   ///< measured
    double max_deviation =
        0;  ///< stated in the manifest: what was measured, and half as much again
};

/// Writes to `folder`, which it makes: NAME.toml (the manifest), NAME.xclbin, NAME.onnx (the twin),
/// NAME.weights (dense_file.h), dense_net.svh and weights.hex (for the RTL). `not_found` for an
/// unknown name, `invalid_argument` for 0 or more than 15 units, `unavailable` if a file cannot be
/// written.
Result<FpgaZooResult> write_fpga_zoo_model(std::string_view name, const std::string& folder,
                                           const FpgaZooOptions& options);

/// Its layers in floating point, and in fixed point. The name must be one of the list.
DenseNetwork fpga_zoo_network(std::string_view name, std::uint64_t seed);
fixed_point::DenseStack fpga_zoo_stack(std::string_view name, const DenseNetwork& network);

}  // namespace bunch
