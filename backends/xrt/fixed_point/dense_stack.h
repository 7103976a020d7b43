/// A stack of dense layers in fixed point, as a kernel on an FPGA computes it: exactly, so that the
/// C++ model, the RTL and a card give the same bits. What it is not: fast, or a training format.
///
/// One layer, for a row x of raw numbers of the format before it:
///
///     acc[o] = sum over i of weight[o][i] * x[i] + bias[o] * 2^(fraction(x) + fraction(weight)
///                                                               - fraction(bias))
///     out[o] = none:    quantize(acc[o])
///              relu:    quantize(max(acc[o], 0))
///              sigmoid: table[clamp(floor(acc[o] * 2^6) + 512, 0, 1023)], in units of acc's value
///
/// acc is exact: its width follows from the formats and is refused above kMaxAccumulatorBits, what
/// one DSP slice adds up. quantize() is that of arithmetic.h, to the layer's output format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "backends/xrt/fixed_point/format.h"
#include "core/result.h"

namespace bunch::fixed_point {

inline constexpr int kMaxAccumulatorBits = 48;
inline constexpr std::uint32_t kMaxLayers = 16;
inline constexpr std::uint32_t kMaxWidth = 512;  ///< inputs or outputs of a layer

/// 64 entries per unit over [-8, 8), as hls4ml has it.
inline constexpr std::size_t kSigmoidEntries = 1024;
inline constexpr int kSigmoidStepBits = 6;

enum class StackActivation : std::uint8_t { none, relu, sigmoid };

struct DenseLayer {
    std::uint32_t inputs = 0;
    std::uint32_t outputs = 0;
    StackActivation activation = StackActivation::none;
    FixedFormat weight_format;
    FixedFormat bias_format;
    FixedFormat output_format;
    std::vector<std::int64_t> weights;  ///< raw, [outputs][inputs]
    std::vector<std::int64_t> biases;   ///< raw, [outputs]
    std::vector<std::int64_t> table;    ///< of a sigmoid: kSigmoidEntries raw of output_format

    friend bool operator==(const DenseLayer&, const DenseLayer&) = default;
};

/// Checked layers. Immutable; any number of threads may run it.
class DenseStack {
  public:
    /// invalid_argument naming the layer where sizes do not match, a raw number is not one of its
    /// format, an accumulator would be too wide, or an output or bias has more fraction bits than
    /// the accumulator.
    static Result<DenseStack> make(const FixedFormat& input_format, std::vector<DenseLayer> layers);

    const FixedFormat& input_format() const { return input_format_; }
    const FixedFormat& output_format() const { return layers_.back().output_format; }
    const std::vector<DenseLayer>& layers() const { return layers_; }
    std::uint32_t inputs() const { return layers_.front().inputs; }
    std::uint32_t outputs() const { return layers_.back().outputs; }

    /// Bytes from one row to the next in a kernel's memory, where rows are padded with zeros to a
    /// multiple of `align` bytes.
    std::size_t input_stride(std::size_t align) const;
    std::size_t output_stride(std::size_t align) const;

    /// One row of raw numbers; inputs() and outputs() of them.
    void run(std::span<const std::int64_t> input, std::span<std::int64_t> output) const;

    /// Rows as they lie in a kernel's memory: stored words, padded to `align` (see above). `input`
    /// has rows * input_stride(align) bytes, `output` rows * output_stride(align).
    void run_stored(std::span<const std::byte> input, std::span<std::byte> output, std::size_t rows,
                    std::size_t align) const;

    friend bool operator==(const DenseStack&, const DenseStack&) = default;

  private:
    DenseStack(const FixedFormat& input_format, std::vector<DenseLayer> layers)
        : input_format_(input_format), layers_(std::move(layers)) {}

    FixedFormat input_format_;
    std::vector<DenseLayer> layers_;
};

/// Bits of the accumulator of a layer that reads `input`: what the formats can reach at most.
int accumulator_bits(const DenseLayer& layer, const FixedFormat& input);

/// sigmoid(x) in `format` at the middle of each of the kSigmoidEntries steps.
std::vector<std::int64_t> sigmoid_table(const FixedFormat& format);

}  // namespace bunch::fixed_point
