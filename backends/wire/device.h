/// What a runner says about its device, its models and its batches: values that backends fill in
/// and the daemon reads. How they travel is messages.h; what a backend does is runner/backend.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/fault_kind.h"
#include "core/model.h"
#include "core/time.h"

namespace bunch {

/// What the configuration says about a device beyond what every device has: key to text, e.g.
/// {"fixed", "5ms"}. A backend refuses keys and values that it does not know.
using BackendOptions = std::map<std::string, std::string>;

/// A device as its driver offers it.
struct DeviceDescription {
    std::string device_class;          ///< devices of one class run a model equally fast: "cpu"
    std::uint32_t lanes = 1;           ///< batches that run at the same time
    std::uint32_t slots_per_lane = 2;  ///< batches that may be with the lane, running or waiting
    std::uint64_t memory_bytes = 0;    ///< 0: not known

    friend bool operator==(const DeviceDescription&, const DeviceDescription&) = default;
};

/// When one batch passed through a device; each not before the one above it.
struct DeviceTimes {
    TimePoint transfer_begin;
    TimePoint compute_begin;
    TimePoint compute_end;
    TimePoint transfer_end;

    friend bool operator==(const DeviceTimes&, const DeviceTimes&) = default;
};

/// What a load found out about a model.
struct LoadedModel {
    ModelSignature signature;
    std::uint32_t max_batch_rows = 1;  ///< at most what was asked for
    std::uint64_t memory_bytes = 0;    ///< that the model keeps on the device
    /// What it computes in, as answers name it: "f32", "ap_fixed<16,6>". Empty: as configured.
    std::string arithmetic{};

    // Only of a device that is reconfigured, and holds one image at a time.
    std::string image{};   ///< what holds the model, the same text for all models in it
    bool resident = true;  ///< whether the device holds that image now
    Duration load_time{};  ///< what making it resident takes, about

    friend bool operator==(const LoadedModel&, const LoadedModel&) = default;
};

/// A device that broke, as its runner saw it.
struct DeviceFault {
    FaultKind kind = FaultKind::dead;
    /// Whether the device is of no use now. Then its runner is ended and started again, with
    /// pauses, until the device is back.
    bool ends_runner = true;
    std::string message;  ///< what happened, and what exactly a person has to do about it

    friend bool operator==(const DeviceFault&, const DeviceFault&) = default;
};

/// What a device's sensors say, where it has them.
struct DeviceReadings {
    std::optional<double> celsius;  ///< of the chip
    std::optional<double> watts;    ///< of the card
    std::optional<double> hertz;    ///< of the clock that computes

    friend bool operator==(const DeviceReadings&, const DeviceReadings&) = default;
};

}  // namespace bunch
