/// The description from which `bunch xclbin make` writes an xclbin: a TOML file with platform,
/// memories, kernels and their units. docs/FPGA.md explains it.
///
///     platform = "vendor:board:name:1.0"
///     uuid = "..."                     # made from the contents if left out
///     bitstream = "design.bit"         # any file; or models below
///     [[memory]]
///     tag = "bank0"
///     type = "DRAM"                    # or "HBM"
///     base = 0x4000000000
///     size = "16GiB"
///     [[kernel]]
///     name = "facile"
///     units = ["facile_1", "facile_2"]
///     arguments = [{name = "rows", bytes = 4}, {name = "in", memory = "bank0"}]
///     model = "dense_stack"            # for an emulated card, instead of a bitstream
///     parameters = "facile.stack"      # what that model needs
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "backends/xrt/emulation/bitstream.h"
#include "backends/xrt/xclbin.h"
#include "core/result.h"

namespace bunch {

struct XclbinDescription {
    fpga::Xclbin design;    ///< its UUID is zero if none was given
    std::string bitstream;  ///< path, absolute; empty: the models below
    struct KernelModel {
        std::string kernel;
        std::string model;
        std::string parameters;  ///< path, absolute; empty: none
    };
    std::vector<KernelModel> models;
};

/// invalid_argument lists every problem with its line.
Result<XclbinDescription> parse_xclbin_description(std::string_view text, const std::string& name,
                                                   const std::string& folder);

/// Reads the description and the files that it names, and puts them together.
Result<std::vector<std::byte>> make_xclbin(const std::string& description_path);

}  // namespace bunch
