/// What a recalibration network has learnt, as the beginning of a pair network.
#pragma once

#include "core/result.h"
#include "muon/training/network.h"

namespace bunch::muon {

/// Half of each hidden layer of `pair` becomes the most used units of the same layer of
/// `recalibration` for the first muon, the other half the same for the second; what connects the
/// two halves keeps a small part of its random weights. Both have the folded encoding;
/// invalid_argument unless they have equally many layers and enough units.
Status transfer(const Network& recalibration, Network& pair);

}  // namespace bunch::muon
