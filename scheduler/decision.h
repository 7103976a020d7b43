/// What the scheduler tells its caller to do. Values only: nothing happens until the caller acts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "core/call.h"
#include "core/ids.h"
#include "core/status.h"
#include "core/time.h"

namespace bunch {

/// Why a batch has no more rows than it has.
enum class CloseReason : std::uint8_t {
    limit,     ///< the row limit of its instance
    deadline,  ///< more rows would have broken a deadline or the objective
    share,     ///< the rest is left to other lanes, which will be as quick
    queue,     ///< nothing else waited
    waited,    ///< nothing else waited, although the lane had waited for returning clients
    alone,     ///< runs alone: suspects, probes, and models that take one call per batch
};
inline constexpr std::size_t kCloseReasons = 6;
std::string_view name_of(CloseReason reason);  ///< "limit", "deadline", ...

/// Send `batch` to its lane, which has a free slot for it. The caller may hand the batch back with
/// Scheduler::recycle() when it has no more use for its slices.
struct Dispatch {
    Batch batch;
    CloseReason closed_by = CloseReason::queue;
    Duration predicted_run{};  ///< expected compute time; zero: nothing is known yet
};

/// Why a call ends without having run.
enum class RejectReason : std::uint8_t {
    invalid,    ///< rows, or an unknown model
    draining,   ///< the service ends
    no_device,  ///< none is ready for the model, or will be in time
    bound,      ///< max_queued_rows, max_queued_bytes
    quota,      ///< its tenant's token bucket is empty
    expired,    ///< its deadline passed while it waited
    shed,       ///< its deadline could not be met any more, or not without losing more than it
    cancelled,  ///< the caller wanted it no more
    culprit,    ///< a lane was lost twice while it ran alone
};
inline constexpr std::size_t kRejectReasons = 9;
std::string_view name_of(RejectReason reason);  ///< "invalid", "draining", ...

/// The call ends with `status`, now. None of its rows will be dispatched any more; results of rows
/// that are on a lane are to be dropped. At most one per call, and none after its last row is done
/// or one of its batches has failed on the device; only what is told between the event that ends a
/// call and the next decide() may cross with its Reject, and then the first to be seen counts.
struct Reject {
    CallId call;
    Status status;
    RejectReason reason = RejectReason::invalid;
};

/// Make the image of `model` the one that `device` holds, in place of what it holds now; nothing
/// is on the device's lanes, and nothing will be sent there until the answer: instance_up() as
/// `ready` for each model of the image and as `loadable` for those displaced, or, if the load
/// failed, instance_down() of the instances that cannot be had.
struct Load {
    ModelId model;
    DeviceId device;
};

using Decision = std::variant<Dispatch, Reject, Load>;

}  // namespace bunch
