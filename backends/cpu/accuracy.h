/// How far a program in reduced precision is from the same model in f32.
#pragma once

#include "backends/cpu/program.h"
#include "core/result.h"

namespace bunch::cpu {

/// Whether this processor computes in `precision` faster than in f32; else says what it lacks.
Status check_precision(Precision precision);

/// The largest difference between the outputs of two programs of one model, of the largest output
/// of `exact`, over a few made-up rows (uniform in -1 to 1, always the same). For several outputs
/// the worst of them.
Result<double> deviation_between(const std::shared_ptr<const Program>& exact,
                                 const std::shared_ptr<const Program>& reduced);

}  // namespace bunch::cpu
