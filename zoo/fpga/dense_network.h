/// A stack of dense layers in floating point and in fixed point: the same weights, drawn once. Not
/// a trainer, and not a general converter of models.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "backends/xrt/fixed_point/dense_stack.h"
#include "core/status.h"

namespace bunch {

struct FloatLayer {
    std::uint32_t inputs = 0;
    std::uint32_t outputs = 0;
    bool relu = false;
    std::vector<float> weights;  ///< [outputs][inputs]
    std::vector<float> biases;   ///< [outputs]
};

using DenseNetwork = std::vector<FloatLayer>;

/// Layers between these widths, input first, with ReLU behind all but the last. Equal seeds give
/// equal weights; outputs are about as large as inputs.
DenseNetwork draw_dense_network(std::span<const std::uint32_t> widths, std::uint64_t seed);

/// One row, with sums in double: the twin in ONNX differs by rounding of f32 only.
std::vector<float> run(const DenseNetwork& network, std::span<const float> input);

/// ONNX with the input "input" [N, inputs] and the output "output" [N, outputs].
Status write_onnx(const DenseNetwork& network, const std::string& name, const std::string& path);

/// All numbers in `format`; weights and biases rounded to the nearest.
fixed_point::DenseStack in_fixed_point(const DenseNetwork& network, const FixedFormat& format);

/// How far fixed point is from floating point, over all outputs of all rows.
struct Deviation {
    std::size_t rows = 0;
    double largest = 0;
    double mean = 0;
    double output = 0;  ///< mean magnitude of an output, to compare with
};

/// Rows of independent normal numbers with deviation 1, from the seed. They are rounded to the
/// nearest number of the stack's input format, as a client's manifest asks for.
Deviation deviation_of(const DenseNetwork& network, const fixed_point::DenseStack& stack,
                       std::size_t rows, std::uint64_t seed);

}  // namespace bunch
