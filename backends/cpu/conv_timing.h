/// Times the ways in which a model's convolutions can be computed, on this machine, now.
#pragma once

#include <cstdint>

#include "backends/cpu/conv_choices.h"
#include "backends/graph/graph.h"
#include "core/status.h"

namespace bunch::cpu {

/// Adds to `choices` the fastest way for every convolution of `graph` that has several and none
/// there yet, for `rows` rows. Weights come from where a run of the whole network leaves them,
/// tensors from the cache. Takes up to some 0.1 s per kind of convolution on the calling thread,
/// which must have called use_one_thread().
Status time_convolutions(const Graph& graph, std::int64_t rows, ConvChoices& choices);

}  // namespace bunch::cpu
