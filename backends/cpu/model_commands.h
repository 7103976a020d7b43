/// The subcommands of the model tool, one file each. Internal to backends/cpu.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backends/cpu/cpu_model.h"
#include "core/result.h"

namespace bunch::cpu {

struct ModelArguments {
    std::string file;
    std::vector<std::string> inputs;  ///< "name=file.npy"
    std::string output_dir = ".";
    std::string plan_cache;  ///< folder of plan_cache.h, or empty
    std::vector<std::uint32_t> batches = {1};
    std::vector<std::uint32_t> threads = {1};
    std::int64_t length = 16;  ///< of extents that the model leaves open besides rows
    std::uint32_t repeat = 9;
    std::string precision = "f32";
    bool profile = false, node_by_node = false, json = false;
};

/// Operators, tensors, and how each layer would run.
Status inspect_model(const ModelArguments& arguments);
/// Inputs from and outputs to .npy files.
Status run_model(const ModelArguments& arguments);
/// Time per batch, for each number of rows and threads; with `profile` per layer.
Status bench_model(const ModelArguments& arguments);

/// Loads arguments.file for batches of `rows` on `threads` threads.
Result<std::shared_ptr<const CpuModel>> load_for(const ModelArguments& arguments,
                                                 std::uint32_t rows, unsigned threads = 1);

/// The tensors of one batch and their views. Not movable: the views point into it.
struct ModelBatch {
    std::vector<Tensor> inputs, outputs;
    std::vector<ConstTensorView> input_views;
    std::vector<TensorView> output_views;
};

/// Fills `batch` with numbers between -1 and 1 (zeros for integers), and with room for outputs.
Status make_batch(const ModelSignature& signature, std::uint32_t rows, std::int64_t length,
                  ModelBatch& batch);
/// Room for outputs, from the inputs that are there: as the signature says, or where it leaves
/// extents open 64 MiB.
Status make_outputs(const ModelSignature& signature, std::uint32_t rows, ModelBatch& batch);

/// "FP32[-1,3]".
std::string text_of(const TensorSpec& tensor);

}  // namespace bunch::cpu
