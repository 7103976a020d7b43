/// How far a model in reduced precision is from the same model in f32.
#pragma once

#include <cstdint>
#include <vector>

#include "backends/cpu/cpu_model.h"
#include "backends/graph/graph.h"
#include "core/result.h"

namespace bunch::cpu {

/// Whether this processor computes in `precision` faster than in f32; else says what it lacks.
Status check_precision(Precision precision);

/// Numbers for the inputs of `graph`, `rows` rows where it counts rows, always the same: uniform in
/// -1 to 1, or over the grid that they are rounded to; where normalisations or the like read an
/// input, such that this is what they make.
std::vector<std::vector<float>> made_up_inputs(const Graph& graph, std::int64_t rows);

/// The largest difference between the outputs of two sessions of one model, of the largest output
/// of `exact`, over made-up rows, in batches of `max_rows`. For several outputs the worst of them.
/// `graph` and `signature` are the model's. All tensors are f32, of known extents but the rows.
Result<double> deviation_between(const Graph& graph, const ModelSignature& signature,
                                 std::uint32_t max_rows, ModelSession& exact,
                                 ModelSession& reduced);

}  // namespace bunch::cpu
