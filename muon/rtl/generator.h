/// SystemVerilog of a network of integers: a pipeline without stalls that takes one sample per
/// clock, an AXI4-Stream around it with a queue behind and credits, so that no clock enable
/// reaches into the pipeline, and a kernel for XRT around that. The text depends on the network
/// alone.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/result.h"
#include "muon/quantised/integer_network.h"

namespace bunch::muon {

struct Rtl {
    std::string core;      ///< muon_core.sv
    std::string stream;    ///< muon_stream.sv
    std::string kernel;    ///< muon_kernel.sv
    std::string manifest;  ///< manifest.json: latency, widths, scales, hashes
    int latency = 0;       ///< clocks from a sample's to its result's
    int input_bits = 0;    ///< fields packed, the first in the lowest bits
    int output_bits = 0;
    std::size_t adders = 0;
    std::size_t register_bits = 0;
};

struct RtlFile {
    std::string name;
    std::string text;
};

/// All but manifest.json: what was generated, kernel.xml, and the modules that all kernels share.
std::vector<RtlFile> files_of(const Rtl& rtl);

/// `identity` is the hash of the ONNX file. The network must pass check().
Rtl make_rtl(const IntegerNetwork& network, const std::string& identity);

/// Writes files_of() and then manifest.json into `folder`; older records go first (records.h).
Status write_rtl(const std::string& folder, const Rtl& rtl);

/// What a folder's manifest says, and the files beside it. invalid_argument if they do not fit
/// together, or are not of the network with this identity.
struct RtlManifest {
    int latency = 0;
    int input_bits = 0;
    int output_bits = 0;
    std::string core, stream;
};
Result<RtlManifest> read_manifest(const std::string& folder, const std::string& identity);

/// The RTL of a folder: its own texts, and all else as `made`, which was made of the same network
/// and `identity` now. invalid_argument as above, or if the manifest has another latency or widths.
Result<Rtl> read_rtl(const std::string& folder, const std::string& identity, Rtl made);

}  // namespace bunch::muon
