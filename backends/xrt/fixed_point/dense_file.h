/// The weight file of a DenseStack, which an emulated card is given in place of a bitstream, and
/// the hexadecimal text that the RTL reads. Neither is a format for exchange: that is ONNX.
///
/// Little-endian, without padding between the parts:
///
/// | bytes | what |
/// |-------|------|
/// | 8     | "BUNCHDS1" |
/// | 4     | number of layers, 1 to kMaxLayers |
/// | 5     | format of the input: total bits, integer bits, 1 if signed, rounding, overflow |
/// | 3     | 0 |
///
/// then for each layer
///
/// | bytes | what |
/// |-------|------|
/// | 4, 4  | inputs, outputs |
/// | 15    | formats of weights, biases, outputs, as above |
/// | 1     | activation: 0 none, 1 relu, 2 sigmoid |
/// | 4 * outputs * inputs | raw weights, row after row |
/// | 4 * outputs          | raw biases |
/// | 4 * 1024             | only for a sigmoid: its table |
///
/// Raw numbers are 32 bits, with a sign where their format has one.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "backends/xrt/fixed_point/dense_stack.h"
#include "core/result.h"

namespace bunch::fixed_point {

/// invalid_argument with the offset and what is wrong, for any bytes; never reads beyond them.
Result<DenseStack> read_dense_stack(std::span<const std::byte> bytes);

std::vector<std::byte> write_dense_stack(const DenseStack& stack);

}  // namespace bunch::fixed_point
