/// How far a model in reduced precision is from the same model in f32.
#pragma once

#include <cstdint>

#include "backends/cpu/cpu_model.h"
#include "core/result.h"

namespace bunch::cpu {

/// Whether this processor computes in `precision` faster than in f32; else says what it lacks.
Status check_precision(Precision precision);

/// The largest difference between the outputs of two sessions of one model, of the largest output
/// of `exact`, over a few made-up rows, at most `max_rows` (uniform in -1 to 1, always the same).
/// For several outputs the worst of them. All tensors are f32, of known extents but the rows.
Result<double> deviation_between(const ModelSignature& signature, std::uint32_t max_rows,
                                 ModelSession& exact, ModelSession& reduced);

}  // namespace bunch::cpu
