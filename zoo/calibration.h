/// Runs an image network of the zoo on examples, to see between which numbers each of its tensors
/// lies. In plain floats and in a fixed order, so that every compiler finds the same.
///
/// Not for: running models; that is what backends are for. Knows Conv without groups, Relu, Add,
/// MaxPool, GlobalAveragePool, Flatten and Gemm, as onnx_builder.h writes them.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace bunch {

/// Between which numbers a tensor lies.
struct Range {
    float least = 0, most = 0;
};

/// Images of one size, [channels][height][width] each.
struct Examples {
    std::int64_t channels = 0, height = 0, width = 0;
    std::vector<std::vector<float>> images;
};

/// The range of the graph's input and of all that its nodes make, by name, over all `examples`;
/// 0 is always in it. A node of another kind ends the process.
std::map<std::string, Range> calibrate(const onnx::GraphProto& graph, const Examples& examples);

}  // namespace bunch
