/// Folders with FPGA models for tests and benchmarks: an xclbin for the emulated card and its
/// manifest. `bunch xclbin make` writes such xclbins from a description.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backends/xrt/emulation/bitstream.h"
#include "backends/xrt/fixed_point/dense_stack.h"
#include "core/model.h"

namespace bunch::emulation {

/// One kernel "k" with kernel(rows, in, out) of `units` units, computed by `model`.
struct FpgaFolder {
    std::string name = "model";              ///< of the folder
    std::string model = "copy";              ///< as kernel_model_named() knows it
    std::vector<std::byte> parameters = {};  ///< for it
    std::uint32_t units = 2;
    std::uint8_t uuid = 1;  ///< first byte; models of one design share it
    std::uint64_t bank_bytes = 1 << 26;
    std::string manifest_head = {};  ///< lines before the tables: max_rows and so on
    std::string input = {};          ///< lines of [[input]], named x
    std::string output = {};         ///< lines of [[output]], named y
    std::string arguments = R"(["rows", "x", "y"])";
};

/// Writes the folder below `parent`; the path of the manifest.
std::string write_model(const FpgaFolder& folder, const std::string& parent);

/// A copying model: rows of 16 floats, as they are.
FpgaFolder copying_model(const std::string& name);

/// A stack of dense layers in ap_fixed<16,6> with random weights, and what it computes.
struct DenseModel {
    FpgaFolder folder;
    fixed_point::DenseStack stack;
};
DenseModel dense_model(const std::string& name, const std::vector<std::uint32_t>& widths,
                       std::uint32_t seed);

/// A model of the configuration, with that manifest.
ModelSpec fpga_spec(const std::string& name, const std::string& manifest, std::uint32_t rows);

/// The bytes of a text.
std::vector<std::byte> bytes_of(const std::string& text);

}  // namespace bunch::emulation
