/// Samples as the matrices that training reads: one row per muon or pair.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "muon/encoding.h"
#include "muon/fields.h"
#include "muon/figures.h"

namespace bunch::muon {

struct Dataset {
    Task task = Task::recalibration;
    Encoding encoding = Encoding::folded;
    std::size_t rows = 0;
    std::size_t inputs = 0;
    std::size_t outputs = 0;
    std::vector<float> x;        ///< [rows][inputs]
    std::vector<float> targets;  ///< [rows][outputs]
    /// [rows][outputs]: an error counts this many times, so that pt's is relative to the truth.
    std::vector<float> weights;
    std::vector<float> soft;  ///< [rows][outputs] of a teacher; empty without one
};

Dataset dataset_of(const MuonSample& sample, Encoding encoding);
Dataset dataset_of(const PairSample& sample, Encoding encoding);

/// Rows [begin, end).
Dataset rows_of(const Dataset& dataset, std::size_t begin, std::size_t end);

/// The inputs of the first `count` rows, or of all.
std::span<const float> first_rows(const Dataset& dataset, std::size_t count);
/// So many are enough to know the range of a network's activations.
inline constexpr std::size_t kCalibrationRows = 8192;

/// What `outputs`, [rows][3], are wrong by.
Errors errors_of(const MuonSample& sample, Encoding encoding, std::span<const float> outputs);

}  // namespace bunch::muon
