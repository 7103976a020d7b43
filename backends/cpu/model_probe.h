/// Finds out, by running it a few times at load, what clients see of a model that the interpreter
/// runs: types and shapes of its outputs, and whether rows of different requests may share a batch.
#pragma once

#include <cstdint>
#include <string>

#include "backends/cpu/interpreter.h"
#include "backends/graph/operator_graph.h"
#include "core/model.h"
#include "core/result.h"

namespace bunch::cpu {

struct ModelProbe {
    ModelSignature signature;
    std::string why_not_batched;      ///< a sentence; empty where it is
    std::uint64_t bytes_per_row = 0;  ///< roughly: what computed tensors take at a time
};

/// Fails as the model does, in the words of the node. Inputs are made up: numbers between -1 and 1,
/// zeros for integers.
Result<ModelProbe> probe_model(const OperatorGraph& graph, const InterpreterOptions& options = {});

}  // namespace bunch::cpu
