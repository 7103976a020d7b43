/// What the main thread and the reactor tell each other, through their mailboxes.
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
#include "scheduler/events.h"

namespace bunch {

// From main to the reactor. DeviceIds and ModelIds are positions in the configuration.

/// A runner is up; its lanes are the reactor's from now on. `life` counts the runners of a device.
struct DeviceOpened {
    DeviceId device;
    std::uint64_t life = 0;
    DeviceDescription description;
    std::vector<std::unique_ptr<LaneLink>> lanes;
};

struct InstanceOpened {
    DeviceId device;
    ModelId model;
    LoadedModel loaded;
};

struct InstanceRefused {
    DeviceId device;
    ModelId model;
    Status status;
};

/// The answer to ImageWanted; none comes if the runner is lost before.
struct ImageLoaded {
    DeviceId device;
    ModelId model;
    Status status;
};

/// A runner is gone; `for_good` if it will not be started again.
struct DeviceClosed {
    DeviceId device;
    std::string reason;
    bool for_good = false;
};

/// Something about a device broke. If it is of no use now, DeviceClosed follows.
struct DeviceBroke {
    DeviceId device;
    DeviceFault fault;
};

/// What its sensors say.
struct DeviceSensed {
    DeviceId device;
    DeviceReadings readings;
};

/// To be answered with HeartbeatBack: proof that the reactor turns.
struct Heartbeat {};

/// Refuse new calls, end the open ones, by `until` at the latest; then say Drained.
struct Drain {
    TimePoint until;
};

struct Stop {};

using Command = std::variant<DeviceOpened, InstanceOpened, InstanceRefused, ImageLoaded,
                             DeviceClosed, DeviceBroke, DeviceSensed, Heartbeat, Drain, Stop>;

// From the reactor to main.

/// A lane broke the rules or a batch took too long: the runner has to go.
struct LaneBroken {
    DeviceId device;
    std::string reason;
};

/// Have the device hold the image of `model`; nothing is on its lanes. Of no meaning any more if
/// another runner than that of this `life` is up.
struct ImageWanted {
    DeviceId device;
    std::uint64_t life = 0;
    ModelId model;
};

struct HeartbeatBack {};

/// Every model is ready or refused: the start is over.
struct Settled {};

struct Drained {
    std::size_t abandoned = 0;  ///< calls that did not end in time and were told so
};

/// What the scheduler has learnt so far, to be kept on disk.
struct Learnt {
    std::vector<LearntCurve> curves;
};

using Notice = std::variant<LaneBroken, ImageWanted, HeartbeatBack, Settled, Learnt, Drained>;

}  // namespace bunch
