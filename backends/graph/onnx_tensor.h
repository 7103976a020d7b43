/// Constant tensors of ONNX files. Internal to backends/graph.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <filesystem>
#include <optional>

#include "core/data_type.h"
#include "core/result.h"
#include "core/tensor.h"

namespace bunch {

/// Our type for a number of onnx::TensorProto::DataType; nothing for strings, complex numbers and
/// numbers that are no type.
std::optional<DataType> data_type_of_onnx(std::int64_t type);

/// The elements of `proto`, wherever it keeps them. External files must lie in `folder` or below
/// (empty: nowhere); their ranges are checked before they are read.
Result<Tensor> read_tensor(const onnx::TensorProto& proto, const std::filesystem::path& folder);

}  // namespace bunch
