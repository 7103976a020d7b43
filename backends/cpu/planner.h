/// Turns a Graph into a Plan for one number of rows: picks primitives and layouts, and lets buffers
/// that are not needed at the same time share memory.
#pragma once

#include <cstdint>

#include "backends/cpu/conv_choices.h"
#include "backends/cpu/plan.h"
#include "backends/cpu/weights.h"
#include "backends/graph/graph.h"
#include "core/model.h"
#include "core/result.h"

namespace bunch::cpu {

struct PlannerOptions {
    bool winograd = true;     ///< for 3x3 convolutions of stride 1
    bool fused_mlp = true;    ///< Mlp for chains of small dense layers
    bool share_arena = true;  ///< buffers share memory; without, each has its own (for tests)
    /// What was chosen for such convolutions before. Without a choice, or with one that is
    /// impossible here: our own Winograd where it suits and enough tiles share its weights, else
    /// oneDNN's, else direct. Null: no choices.
    const ConvChoices* choices = nullptr;
    /// That each layer is spread over; use_threads() of as many must have been called.
    unsigned threads = 1;
    /// bf16: layers on bf16 tensors with sums in f32, small dense ones in f32. int8: IntegerForm.
    Precision precision = Precision::f32;
};

/// `rows` replaces open first extents. The graph must have shapes. Runs on the calling thread,
/// which must have called use_threads(). Uses the engine of `weights`. Errors name the node.
Result<Plan> make_plan(const Graph& graph, std::int64_t rows, WeightCache& weights,
                       const PlannerOptions& options);

}  // namespace bunch::cpu
