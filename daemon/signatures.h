/// Whether two devices loaded the same model: its tensors as each of them reports them.
#pragma once

#include <string>

#include "core/model.h"

namespace bunch {

/// Gives open extents that have no name in `to` the one that they have in `from`, where the tensors
/// are otherwise the same.
void take_names(const ModelSignature& from, ModelSignature& to);

/// The first thing in which two signatures differ, "input 'x' FP32 [-1,4] here, 'x' FP32 [-1,5]
/// there"; "" if calls of one are calls of the other. What open extents are called counts only with
/// `names`.
std::string difference_between(const ModelSignature& ours, const ModelSignature& theirs,
                               bool names);

}  // namespace bunch
