/// Every metric of the daemon, by name. Handles are taken once and kept; recording a call costs
/// tens of nanoseconds. Each handle is written by one thread (the reactor), text() may be called by
/// any. Not for logs.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "core/call.h"
#include "core/fault_kind.h"
#include "core/status.h"
#include "monitoring/batch_metrics.h"
#include "monitoring/cells.h"
#include "monitoring/lane_clock.h"

namespace bunch {

/// The steps of a call, between neighbours of its Timeline: receive is received..admitted, queue
/// ..dispatched, gather ..transferred, transfer_in ..compute_begin, compute ..compute_end,
/// transfer_out ..returned, respond ..answered.
enum class Stage : std::uint8_t {
    receive,
    queue,
    gather,
    transfer_in,
    compute,
    transfer_out,
    respond  // clang-format keeps
};
inline constexpr std::size_t kStages = 7;
std::string_view name_of(Stage stage);

enum class Protocol : std::uint8_t { zmq, grpc, http };
inline constexpr std::size_t kProtocols = 3;
std::string_view name_of(Protocol protocol);

/// Why a request did not become a call, or left the queue unanswered by a device.
enum class Rejection : std::uint8_t {
    malformed,       ///< no request could be made of the message
    unknown_model,   ///
    wrong_shape,     ///< tensors that are not the model's
    too_large,       ///< more rows, frames or bytes than one request may have
    queue_full,      ///< of the model, in rows or bytes
    too_many_calls,  ///< open calls or bytes of the daemon
    over_credit,     ///< of this client
    quota,           ///< of its tenant
    deadline,        ///< passed while it waited
    shed,            ///< its deadline could not be met any more, or only at the cost of others
    draining,        ///
    no_device,       ///< that could run the model is up
    culprit,         ///< a lane was lost twice while it ran there alone
};
inline constexpr std::size_t kRejections = 13;
std::string_view name_of(Rejection reason);

/// Why an answer was not delivered.
enum class DroppedReply : std::uint8_t {
    client_left,  ///< its connection is gone
    client_slow,  ///< it does not read, and its share of memory is used up
    call_closed,  ///< it had been answered or cancelled before
};
inline constexpr std::size_t kDroppedReplies = 3;
std::string_view name_of(DroppedReply reason);

/// Of one version of a model.
struct ModelMetrics {
    ModelMetrics();

    /// A call that was closed: its outcome, the stages it reached and, with status ok, its rows.
    /// `times.received` and `times.answered` must be set.
    void record(const Timeline& times, Protocol protocol, StatusCode outcome, std::uint32_t rows);

    Gauge queued_requests, queued_rows, queued_bytes;

    // Written by record(), read by the exposition.
    std::array<Histogram, kStages> stages;        ///< nanoseconds
    std::array<Histogram, kProtocols> durations;  ///< nanoseconds, received to answered
    std::array<Counter, 17> outcomes;             ///< by StatusCode
    Counter rows;
};

/// Of one tenant.
struct TenantMetrics {
    /// A call that was closed; its bytes are those of its inputs.
    void record(StatusCode outcome, std::uint32_t call_rows, std::uint64_t call_bytes) {
        requests.add();
        if (outcome != StatusCode::ok) return;
        rows.add(call_rows);
        bytes.add(call_bytes);
    }
    void reject(Rejection reason) { rejected[static_cast<std::size_t>(reason)].add(); }

    Counter requests;     ///< calls that were closed, whatever became of them
    Counter rows, bytes;  ///< of those that were answered well
    Counter compute;      ///< nanoseconds: its rows' part of the batches that ran them
    std::array<Counter, kRejections> rejected;
};

/// Of one device.
struct DeviceMetrics {
    /// The clock of lane `lane` (0-based), which begins at the first call as faulted. It outlives
    /// the runner, so that the time between two runners counts. Valid as long as *this.
    LaneClock& lane_clock(std::uint32_t lane, TimePoint now);

    /// Settles and publishes all lane clocks.
    void publish(TimePoint now);

    Gauge up;                                 ///< 1: takes work
    Gauge lanes;                              ///
    Gauge in_flight;                          ///< batches
    Gauge arena_bytes;                        ///< in use, over all lanes
    Counter restarts;                         ///< of its runner
    Counter image_loads;                      ///< reconfigurations
    Counter useful;                           ///< nanoseconds, see BatchMetrics
    std::array<Counter, kLaneStates> states;  ///< nanoseconds, over all lanes
    std::array<Counter, kFaultKinds> faults;  ///< by FaultKind
    Reading celsius, watts, hertz;            ///< of its sensors; none while it is down

  private:
    std::deque<LaneClock> clocks_;  ///< by lane
};

/// Of the daemon as a whole.
struct DaemonMetrics {
    std::array<Counter, kRejections> rejected;
    std::array<Counter, kDroppedReplies> dropped_replies;
    Gauge open_calls, open_bytes, clients;

    void reject(Rejection reason) { rejected[static_cast<std::size_t>(reason)].add(); }
    void drop_reply(DroppedReply why) { dropped_replies[static_cast<std::size_t>(why)].add(); }
};

class Metrics {
  public:
    Metrics();
    ~Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    DaemonMetrics& daemon();

    // The handle for these labels: the same one when asked again. Valid as long as *this. Takes a
    // lock: keep the handle. Names come from the configuration, never from a client.
    ModelMetrics& model(std::string_view name, std::string_view version);
    TenantMetrics& tenant(std::string_view name);
    DeviceMetrics& device(std::string_view name, std::string_view backend);
    /// The device must have been asked for before.
    BatchMetrics& batches(std::string_view model, std::string_view version,
                          std::string_view device);
    ClassMetrics& runs(std::string_view model, std::string_view version,
                       std::string_view device_class);

    /// Everything in the Prometheus text format, with the process's own descriptors and memory.
    std::string text() const;

  private:
    std::unique_ptr<struct MetricRegistry> registry_;
};

}  // namespace bunch
