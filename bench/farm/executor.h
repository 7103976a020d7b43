/// Inference without the service: the very executor of bunch-runner-cpu, used in this process on
/// one request at a time, or a simulated accelerator that all processes take turns on.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>

#include "core/model.h"
#include "core/result.h"
#include "core/time.h"

namespace bunch::farm {

/// Runs one request; used by one process and thread.
class Executor {
  public:
    virtual ~Executor() = default;
    virtual Status run(std::span<const float> input, std::span<float> output) = 0;
};

/// Where every worker gets its own executor from. Made before the workers are forked, so that they
/// share what is only read and loading counts for nobody; `open` is called by each of them.
class ExecutorSource {
  public:
    virtual ~ExecutorSource() = default;
    virtual Result<std::unique_ptr<Executor>> open() = 0;
};

/// The model of an ONNX file with one FP32 input and output, prepared for requests of `rows`.
Result<std::unique_ptr<ExecutorSource>> load_on_cpu(const std::string& path, std::uint32_t rows);

/// A simulated accelerator that serves one request at a time, in the order of asking, in
/// `fixed + per_row * rows`, and echoes the input. SIMULATED: it computes nothing.
Result<std::unique_ptr<ExecutorSource>> simulated_accelerator(Duration fixed, Duration per_row,
                                                              std::uint32_t rows);

}  // namespace bunch::farm
