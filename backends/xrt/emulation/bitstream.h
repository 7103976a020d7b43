/// What an emulated card is given in place of a bitstream, in the BITSTREAM section of its xclbin:
/// for each kernel, which model computes it and that model's parameters. A real card would refuse
/// it, and an emulated one refuses a real bitstream.
///
///     bunch-emulation 1\n
///     kernel NAME MODEL BYTES\n      (one line per kernel)
///     \n
///     the parameters of each, one after the other
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"

namespace bunch::emulation {

struct KernelImage {
    std::string kernel;                 ///< as the xclbin calls it
    std::string model;                  ///< as kernel_model_named() knows it
    std::vector<std::byte> parameters;  ///< for its factory
    friend bool operator==(const KernelImage&, const KernelImage&) = default;
};

/// Names without blanks.
std::vector<std::byte> write_bitstream(std::span<const KernelImage> kernels);

/// invalid_argument for anything that write_bitstream() does not write.
Result<std::vector<KernelImage>> read_bitstream(std::span<const std::byte> bytes);

}  // namespace bunch::emulation
