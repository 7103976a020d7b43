/// The backend of CPU cores: ONNX models on oneDNN.
#pragma once

#include <memory>

#include "backends/runner/backend.h"
#include "core/result.h"

namespace bunch {

/// Options:
/// - "threads": that each batch is spread over, 1 if not given.
/// - "lanes": batches that run at the same time; as many as the cores that this process may use
/// have
///   threads for, if not given.
/// - "cores": "0-3,8": lanes stay on these, each on as many as it has threads; any if not given.
/// - "slots": batches per lane, 2 if not given.
/// Others, and values that are no number from 1 to 1024, are `invalid_argument`.
Result<std::unique_ptr<Backend>> make_cpu_backend(const BackendOptions& options);

}  // namespace bunch
