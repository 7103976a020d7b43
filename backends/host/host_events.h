/// What RunnerHost tells its owner.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "backends/host/lane_link.h"
#include "backends/wire/device.h"
#include "core/ids.h"
#include "core/status.h"
#include "core/time.h"

namespace bunch {

/// The device can take batches; the lanes are the receiver's.
struct DeviceUp {
    DeviceDescription device;
    std::vector<std::unique_ptr<LaneLink>> lanes;
};

/// The model can be run on the device. `loaded.max_batch_rows` also fits a slot.
struct InstanceUp {
    ModelId model;
    LoadedModel loaded;
};

/// The model cannot be run on the device. It is not tried again by itself, unless the device has no
/// memory for it now (`resource_exhausted`).
struct InstanceFailed {
    ModelId model;
    Status status;
};

/// The answer to RunnerHost::activate().
struct ImageChanged {
    ModelId model;
    Status status;
};

/// Something about the device broke. If it is of no use now, DeviceLost follows.
struct DeviceFaulted {
    DeviceFault fault;
};

/// The device's sensors have been read.
struct DeviceRead {
    DeviceReadings readings;
};

/// The runner is gone, with its lanes and models. May come without a DeviceUp before it.
struct DeviceLost {
    std::string reason;
    std::optional<TimePoint> restart_at;  ///< nothing: DeviceFailed follows
};

/// The device is not offered, and will not be again by itself.
struct DeviceFailed {
    Status status;
};

using HostEvent = std::variant<DeviceUp, InstanceUp, InstanceFailed, ImageChanged, DeviceFaulted,
                               DeviceRead, DeviceLost, DeviceFailed>;

}  // namespace bunch
