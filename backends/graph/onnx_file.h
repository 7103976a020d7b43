/// The outermost layer of ONNX files: bytes, message, versions. Internal to backends/graph.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"

namespace bunch {

/// Operator set versions that a model asks for.
struct OnnxVersions {
    std::int64_t onnx = 0;
    std::int64_t ml = 0;         ///< 0: none
    std::string unknown_domain;  ///< one that we have no operators of; empty: none
};

Result<std::vector<std::byte>> read_model_bytes(const std::filesystem::path& path);

/// Fills `model`; fails for what is no ONNX model, or asks for versions that we do not know.
Result<OnnxVersions> parse_model(std::span<const std::byte> bytes, onnx::ModelProto& model);

}  // namespace bunch
