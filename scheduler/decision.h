/// What the scheduler tells its caller to do. Values only: nothing happens until the caller acts.
#pragma once

#include <variant>

#include "core/call.h"
#include "core/ids.h"
#include "core/status.h"

namespace bunch {

/// Send `batch` to its lane, which has a free slot for it. The caller may hand the batch back with
/// Scheduler::recycle() when it has no more use for its slices.
struct Dispatch {
    Batch batch;
};

/// The call ends with `status`, now. None of its rows will be dispatched any more; results of rows
/// that are on a lane are to be dropped. At most one per call, and none after its last row is done
/// or one of its batches has failed on the device; only what is told between the event that ends a
/// call and the next decide() may cross with its Reject, and then the first to be seen counts.
struct Reject {
    CallId call;
    Status status;
};

/// Load `model` on `device`, where it is loadable but not resident. Answered with instance_up() or
/// instance_down(). The first form never asks: whatever is configured is loaded at the start.
struct Load {
    ModelId model;
    DeviceId device;
};

/// Unload `instance` to make room for another model. Answered with instance_down(). The first form
/// never asks.
struct Unload {
    InstanceId instance;
};

/// Run one row of anything on `lane`, which is quarantined for being slow, to see whether it has
/// recovered. The first form never asks.
struct Probe {
    LaneId lane;
};

/// Give up `batch`, whose calls are all gone, where the lane can stop it; its batch_done() is still
/// due. The first form never asks: what has been sent runs to its end, and the host ends a lane
/// that exceeds its time limit.
struct Abort {
    BatchId batch;
    LaneId lane;
};

using Decision = std::variant<Dispatch, Reject, Load, Unload, Probe, Abort>;

}  // namespace bunch
