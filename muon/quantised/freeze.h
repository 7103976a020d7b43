/// From a trained model to the integers that hardware computes.
#pragma once

#include "core/result.h"
#include "muon/quantised/integer_network.h"
#include "muon/training/trainer.h"

namespace bunch::muon {

/// A trained model with a calibrated plan, folded encoding. invalid_argument for a model in
/// floating point, and for what check() refuses.
Result<IntegerNetwork> freeze(const Model& model, Task task);

}  // namespace bunch::muon
