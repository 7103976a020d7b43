/// NumPy files of 32-bit floats for bunch-cpu-run. Not for: other types, or files nobody trusts.
#pragma once

#include <string>

#include "core/result.h"
#include "core/tensor.h"

namespace bunch::cpu_test {

/// The array in the .npy file at `path` (version 1, '<f4', C order).
Result<Tensor> read_npy(const std::string& path);

/// Writes `tensor` to `path` as such a file.
Status write_npy(const std::string& path, const ConstTensorView& tensor);

}  // namespace bunch::cpu_test
