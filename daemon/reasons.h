/// What the scheduler's reasons are called in metrics.
#pragma once

#include <optional>

#include "monitoring/metrics.h"
#include "scheduler/decision.h"

namespace bunch {

/// Nothing for a call that was not refused but given up by its client.
std::optional<Rejection> rejection_of(const Reject& reject);

Closing closing_of(CloseReason reason);

}  // namespace bunch
