/// Models that physics jobs use, written as ONNX files with seeded weights: what tests, benchmarks
/// and the demonstration run. They have the size and shape of the real networks, but know nothing:
/// no model here was trained.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace bunch {

/// One model of the zoo.
struct ZooModel {
    std::string name;     ///< what write_zoo_model() wants
    std::string summary;  ///< one line: what it is, its input and its output
};

/// Names and summaries, in a fixed order:
///
/// | name        | input "input", FP32 | output          | parameters |
/// |-------------|---------------------|-----------------|------------|
/// | resnet50    | [N,3,224,224]       | logits [N,1000] | 25,557,032 |
/// | resnet50_int8 | the same          | the same        | 25,530,472 |
/// | facile      | [N,47]              | output [N,1]    | 1,880      |
/// | muon        | [N,5]               | output [N,3]    | 355        |
/// | muon_pair   | [N,10]              | output [N,1]    | 377        |
/// | deepcalo    | [N,4,56,11]         | energy [N,1]    | 2,193,121  |
/// | protodune   | [N,1,48,48]         | output [N,4]    | 629,828    |
/// | deepmet     | [N,4500,11]         | output [N,2]    | 12,665     |
/// | deeptau     | three, see below    | output [N,4]    | 1,053,542  |
/// | particlenet | two, see below      | output [N,8]    | 234,088    |
/// | particlenet_masked | four, see below | output [N,8] | 234,088    |
/// | mlp_27      | [N,27]              | output [N,1]    | 2,497      |
/// | mlp_30      | [N,30]              | output [N,3]    | 10,499     |
/// | mlp_784     | [N,784]             | output [N,10]   | 2,383,370  |
/// | trees       | [N,30]              | output [N,1]    | 200 trees  |
/// | small_cnn   | [N,3,32,32]         | logits [N,10]   | 2,178      |
/// | small_cnn_int8 | the same         | the same        | 2,146      |
///
/// deeptau takes "tau" [N,47], "inner" [N,228,11,11] and "outer" [N,228,21,21]; particlenet takes
/// "particles" [N,23,P] and "vertices" [N,14,V] with P and V left open, together at least 2; the
/// masked one also "particles_mask" [N,1,P] and "vertices_mask" [N,1,V], 1 where there is one and 0
/// where there is none: same weights, same answers.
const std::vector<ZooModel>& zoo_models();

/// Writes the model of that name as ONNX (opset 13, batch normalisation kept as nodes) to `path`,
/// replacing what is there only once the new file is whole. The same seed gives the same bytes with
/// every compiler. `not_found` for an unknown name, `unavailable` if the file cannot be written.
/// resnet50 takes 102 MB of disk, about 0.3 GB of memory and a second.
Status write_zoo_model(std::string_view name, const std::string& path, std::uint64_t seed);

}  // namespace bunch
