/// The folder of a muon network as a model of bunchd on an FPGA card: for an emulated card as it
/// is, for a real one with an xclbin that Vitis made of the RTL in it.
#pragma once

#include <cstdint>
#include <string>

#include "core/result.h"
#include "muon/quantised/integer_network.h"

namespace bunch::muon {

struct KernelFolderOptions {
    std::string name = "muon";  ///< of the files
    std::uint32_t units = 1;    ///< compute units in the xclbin
    bool rtl = false;           ///< computed by the RTL under Verilator, not by the integers in C++
};

/// Writes to `folder`, which it makes: NAME.onnx (the network, its own twin on the CPU),
/// NAME.xclbin, rtl/ (what write_rtl() writes) and, last, NAME.toml: the manifest that a [[model]]
/// names, with the hashes of both. Its path. An older NAME.toml goes first, so that a folder with
/// one is complete. invalid_argument for a name or a number of units that is none, unavailable
/// without verilator or if a file cannot be written.
Result<std::string> write_kernel_folder(const std::string& folder, const IntegerNetwork& network,
                                        const KernelFolderOptions& options);

}  // namespace bunch::muon
