/// A network as the hardware computes it: integers only. This is the definition that the ONNX file,
/// the CPU executor and the RTL must equal bit for bit.
///
/// A layer: acc = sum(weight * input) + bias; y = (acc + 2^(shift-1)) >> shift; a hidden y is cut
/// to [0, 2^activation_bits), an output to 12 bits, symmetric. Inputs are the features of
/// encoding.h. For recalibration the hardware then un-folds: see finish().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "muon/encoding.h"

namespace bunch::muon {

inline constexpr int kOutputLimit = 2047;
/// Sums stay below this, so that FP32 represents them and half of one exactly, in any order.
inline constexpr std::int64_t kSumLimit = std::int64_t{1} << 23;
inline constexpr int kMostShift = 24;

struct IntegerLayer {
    std::size_t inputs = 0;
    std::size_t outputs = 0;
    int weight_bits = 6;
    std::vector<std::int32_t> weights;  ///< [outputs][inputs]
    std::vector<std::int32_t> biases;   ///< in units of the sum
    std::vector<int> shifts;            ///< 1 to kMostShift, by output

    friend bool operator==(const IntegerLayer&, const IntegerLayer&) = default;
};

struct IntegerNetwork {
    Task task = Task::recalibration;
    int activation_bits = 8;
    std::vector<IntegerLayer> layers;

    std::size_t nonzero_weights() const;
    /// Of all weights that are not zero, each as wide as its layer's.
    std::size_t weight_bits() const;

    friend bool operator==(const IntegerNetwork&, const IntegerNetwork&) = default;
};

/// The largest value that a sum of output `o` can have in size; inputs have up to 8 bits.
std::int64_t largest_sum(const IntegerLayer& layer, std::size_t o, int input_bits);

/// invalid_argument for what hardware cannot compute: sums beyond kSumLimit, shifts or widths out
/// of range, layers that do not fit together or to the task.
Status check(const IntegerNetwork& network);

/// One row of features to integers of 12 bits. `outputs` as many as the task has.
void run(const IntegerNetwork& network, std::span<const std::uint8_t> features,
         std::span<std::int32_t> outputs);

/// Corrections of phi and eta in 1/16 unit and pt in 0.5 GeV, at most 511, out of raw outputs:
/// phi is negated for a negative charge, eta for negative eta, pt' = (pt * (256 + r) + 128) >> 8.
std::array<std::int32_t, 3> finish(const L1Muon& muon, std::span<const std::int32_t, 3> outputs);

/// From fields to what leaves the hardware: [N][5] to [N][3], or [N][10] to [N][1]. Fields beyond
/// their wires are cut to what those can carry.
std::vector<std::int32_t> run_fields(const IntegerNetwork& network,
                                     std::span<const std::int32_t> fields, unsigned threads = 1);

}  // namespace bunch::muon
