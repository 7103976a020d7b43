/// Turns a Graph into a Plan for one number of rows: picks primitives and layouts, and lets buffers
/// that are not needed at the same time share memory.
#pragma once

#include <cstdint>

#include "backends/cpu/plan.h"
#include "backends/cpu/weights.h"
#include "backends/graph/graph.h"
#include "core/result.h"

namespace bunch::cpu {

struct PlannerOptions {
    bool winograd = true;     ///< where oneDNN has it for a 3x3 convolution of stride 1
    bool fused_mlp = true;    ///< Mlp for chains of small dense layers
    bool share_arena = true;  ///< buffers share memory; without, each has its own (for tests)
};

/// `rows` replaces open first extents. The graph must have shapes. Runs on the calling thread,
/// which must have called use_one_thread(). Uses the engine of `weights`. Errors name the node.
Result<Plan> make_plan(const Graph& graph, std::int64_t rows, WeightCache& weights,
                       const PlannerOptions& options);

}  // namespace bunch::cpu
