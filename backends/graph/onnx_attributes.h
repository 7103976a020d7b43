/// Nodes of ONNX files as kernels::NodeSpec. Internal to backends/graph.
#pragma once

#include <onnx/onnx_pb.h>

#include <filesystem>
#include <string>

#include "backends/kernels/node_spec.h"
#include "core/result.h"

namespace bunch {

/// Type, label and attributes of `proto`; graphs among them are left out. Element types become
/// numbers of ours, -1 for those that we lack.
Result<kernels::NodeSpec> spec_of(const onnx::NodeProto& proto, const std::string& label,
                                  std::int64_t opset, const std::filesystem::path& folder);

}  // namespace bunch
