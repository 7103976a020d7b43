/// Whether a batch, as a message describes it, is one that the backend can be given; and whether
/// what the backend made of it is what it promised. Pure.
#pragma once

#include <cstdint>

#include "backends/runner/backend.h"
#include "backends/wire/device.h"
#include "backends/wire/messages.h"
#include "core/status.h"

namespace bunch {

/// Whether the segments of `batch` lie within an arena of `arena_bytes` and are a batch of `model`.
Status check_batch(const wire::RunBatch& batch, const LoadedModel& model,
                   std::uint64_t arena_bytes);

/// Whether the shapes of a completion are those asked for (`internal`), and fit their segments
/// (`resource_exhausted`).
Status check_completion(const wire::RunBatch& batch, const Completion& completion);

}  // namespace bunch
