/// Arrays in numpy's .npy files (versions 1 to 3), to and from tensors. Dense arrays of numbers and
/// bool in C order and little-endian; nothing else is read.
#pragma once

#include <span>
#include <string>

#include "core/result.h"
#include "core/tensor.h"

namespace bunch {

/// invalid_argument names what the bytes are instead of such an array.
Result<Tensor> parse_npy(std::span<const std::byte> file);

/// The file's content for `tensor`. BF16, which numpy has not, becomes uint16.
std::string npy_bytes(const ConstTensorView& tensor);

/// The same from and to a file. not_found, unavailable: it cannot be read or written.
Result<Tensor> read_npy(const std::string& path);
Status write_npy(const std::string& path, const ConstTensorView& tensor);

}  // namespace bunch
