/// Einsum with a function for its products of matrices, so that oneDNN can make them.
#pragma once

#include "backends/kernels/recurrent.h"

namespace bunch::kernels {

/// The kernel of an Einsum node. Two terms in f32 become products of matrices by `product`, where
/// each label that is summed over stands in both of them; all else runs in plain loops.
Result<Kernel> make_einsum(Node& node, Product product);

}  // namespace bunch::kernels
