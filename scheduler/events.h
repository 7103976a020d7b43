/// What the scheduler is told: the values that go into its event functions, and what it can be
/// asked for. Not the events themselves, see scheduler.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/ids.h"
#include "core/model.h"
#include "core/status.h"
#include "core/time.h"

namespace bunch {

/// What the scheduler needs to know of one model. Taken from a ModelSpec by policy_of().
struct ModelPolicy {
    ModelId model;
    std::string name;                   ///< for the messages of rejections
    std::optional<Duration> objective;  ///< wanted time from arrival to answer
    std::uint32_t max_batch_rows = 32;  ///< an instance may allow fewer, never more
    std::uint32_t max_rows_per_request = 65536;
    std::uint32_t max_queued_rows = 65536;
    std::uint64_t max_queued_bytes = std::uint64_t{1} << 30;
    bool batched = true;  ///< if not, one call per batch and one row per call
    Numerics numerics = Numerics::any;
};

ModelPolicy policy_of(ModelId id, const ModelSpec& spec);

/// Everything that an operator can set.
struct SchedulerConfig {
    std::vector<ModelPolicy> models;
    /// How long a model's calls wait when no device is ready for it but one is expected back (a
    /// runner restarts). After it they, and new ones, are rejected with `unavailable`.
    Duration unavailable_after = std::chrono::seconds(30);
};

/// A device that is ready to take batches.
struct DeviceInfo {
    DeviceId device;
    std::string device_class;          ///< devices of one class run a model equally fast
    std::vector<LaneId> lanes;         ///< batches that run at the same time
    std::uint32_t slots_per_lane = 2;  ///< batches that may be with a lane, running or waiting
};

enum class InstanceState : std::uint8_t {
    expected,  ///< being loaded, or its device restarts: calls wait for it
    ready,     ///< takes batches as soon as its device is up
};

/// A model on a device.
struct InstanceInfo {
    InstanceId instance;
    ModelId model;
    DeviceId device;
    std::uint32_t max_batch_rows = 1;  ///< as loaded; only read when ready
    InstanceState state = InstanceState::ready;
};

/// How a batch went. Durations are of the whole batch; zero: not measured.
struct RunReport {
    /// Not ok: the device reported failure, and the caller ends the batch's calls with it.
    StatusCode code = StatusCode::ok;
    Duration gather{};  ///< copying the inputs into the slot
    /// To the device and back, as far as it did not overlap the run. May contain waiting for the
    /// batch before it on the lane.
    Duration transfer{};
    Duration compute{};  ///< on the device
};

/// What is with the scheduler, of one model or of all.
struct QueueStats {
    std::uint64_t queued_calls = 0;  ///< with at least one row that is not on a lane
    std::uint64_t queued_rows = 0;
    std::uint64_t queued_bytes = 0;  ///< of the inputs of the queued calls
    std::uint64_t batches_in_flight = 0;
    std::uint64_t rows_in_flight = 0;

    friend bool operator==(const QueueStats&, const QueueStats&) = default;
};

}  // namespace bunch
