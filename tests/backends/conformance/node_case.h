/// One case of ONNX's node tests: a model of one operator, inputs, and the outputs it must give.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/tensor.h"

namespace bunch::conformance {

struct NodeCase {
    std::string name;       ///< its folder: "test_abs"
    std::string operators;  ///< by name, sorted, with '+' between
    std::string model;      ///< an ONNX file
    std::vector<Tensor> inputs, outputs;
    Status unreadable;  ///< inputs or outputs that are no tensors of ours
};

/// All cases below `folder`, sorted by name.
std::vector<NodeCase> read_node_cases(const std::filesystem::path& folder);

/// Empty if they agree as ONNX's own runner wants it (1e-7 + 1e-3 of the expected number, types and
/// shapes exactly), else how they differ.
std::string difference(const ConstTensorView& actual, const ConstTensorView& expected);

}  // namespace bunch::conformance
