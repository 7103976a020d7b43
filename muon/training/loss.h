/// Losses and their gradients: log cosh for corrections, binary cross entropy for logits, and the
/// same against a teacher's outputs (distillation).
#pragma once

#include <span>

#include "muon/encoding.h"

namespace bunch::muon {

/// The outputs of some rows, and what they ought to be; all of one length.
struct LossInput {
    std::span<const float> outputs;
    std::span<const float> targets;
    std::span<const float> weights;
    std::span<const float> soft;  ///< a teacher's outputs, or empty
    float distillation = 0;       ///< 0: targets alone; 1: the teacher alone
};

/// Mean over all numbers.
double loss_of(Task task, const LossInput& input);

/// Of the sum over all numbers times `scale`, by outputs, into `gradient`.
void loss_gradient(Task task, const LossInput& input, float scale, std::span<float> gradient);

}  // namespace bunch::muon
