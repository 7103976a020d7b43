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
    /// Calls of one client begin in the order in which they came: none of its calls is dispatched
    /// while an older one of the same client and model still has waiting rows, or is on another
    /// lane. Only for calls with a client.
    bool keeps_client_order = false;
};

ModelPolicy policy_of(ModelId id, const ModelSpec& spec);

/// What a tenant may use of the pool. Nonsense counts as the nearest sense: a weight that is not
/// above zero as the smallest weight, a burst below one row as one row.
struct TenantPolicy {
    TenantId tenant;
    std::string name;            ///< for the messages of rejections
    double weight = 1;           ///< its share of the pool when all want more than there is
    double rows_per_second = 0;  ///< quota, over all models; 0: none
    double burst_rows = 0;       ///< what may come at once; a request of more rows needs it full
};

/// Everything that an operator can set.
struct SchedulerConfig {
    std::vector<ModelPolicy> models;
    /// How long a model's calls wait when no device is ready for it but one is expected back (a
    /// runner restarts). After it they, and new ones, are rejected with `unavailable`.
    Duration unavailable_after = std::chrono::seconds(30);
    std::vector<TenantPolicy> tenants{};  ///< those not listed have weight 1 and no quota
    /// The time that calls of lower priority get at least while they wait, as a part of what those
    /// of higher priority get; at most as much. Nonsense counts as none.
    double minimum_share = 0.05;
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
    loadable,  ///< its image can be loaded in place of the one that the device holds: see Load
};

/// What a reconfigurable device holds: one image at a time, with one model or more in it.
/// 0: the model needs none, it is there beside all others.
using ImageNumber = std::uint32_t;

/// A model on a device.
struct InstanceInfo {
    InstanceId instance;
    ModelId model;
    DeviceId device;
    std::uint32_t max_batch_rows = 1;  ///< as loaded; only read when ready or loadable
    InstanceState state = InstanceState::ready;
    ImageNumber image = 0;
    Duration load_time{};  ///< what loading the image is expected to take; only with an image
};

/// What was learnt of a model on a device class, to be kept over restarts. Times are in seconds.
struct LearntCurve {
    ModelId model;
    std::string device_class;
    double fixed = 0;
    double per_row = 0;
    double per_row_contended = 0;  ///< per row and other busy lane of the device
    double upper_factor = 1;       ///< upper quantile of run time over its mean
    double deviation = 0;          ///< usual relative error
    double gather_per_row = 0;
    double transfer_per_row = 0;
    std::uint32_t smallest_rows = 0;  ///< batch sizes that were seen
    std::uint32_t largest_rows = 0;
    std::vector<double> corrections;  ///< factor per power of two of rows, 1, 2, 4, ...

    friend bool operator==(const LearntCurve&, const LearntCurve&) = default;
};

/// How a batch went. Durations are of the whole batch; zero: not measured.
struct RunReport {
    /// Not ok: it failed; the caller ends its calls with that, unless blames_data() of failures.h.
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
