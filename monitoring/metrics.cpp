#include "monitoring/metrics.h"

#include <utility>

#include "core/check.h"
#include "monitoring/exposition.h"

namespace bunch {
namespace {

constexpr std::uint64_t kMicrosecond = 1000;

// Twelve: there is one such histogram per model and stage.
constexpr std::array<std::uint64_t, 12> kStageBounds = {
    5 * kMicrosecond,      20 * kMicrosecond,     50 * kMicrosecond,      100 * kMicrosecond,
    250 * kMicrosecond,    1000 * kMicrosecond,   5000 * kMicrosecond,    20000 * kMicrosecond,
    100000 * kMicrosecond, 500000 * kMicrosecond, 2000000 * kMicrosecond, 10000000 * kMicrosecond};

template <std::size_t count>
constexpr std::array<std::uint64_t, count> doubling_from(std::uint64_t first) {
    std::array<std::uint64_t, count> bounds{};
    for (std::size_t i = 0; i < count; ++i) bounds[i] = first << i;
    return bounds;
}
constexpr auto kDurationBounds = doubling_from<18>(50 * kMicrosecond);  // to 6.5 s

template <std::size_t... index>
std::array<Histogram, sizeof...(index)> histograms(std::span<const std::uint64_t> bounds,
                                                   std::index_sequence<index...>) {
    return {((void)index, Histogram(bounds))...};
}

/// Spans that a hostile or mistaken clock turned around count as nothing.
std::uint64_t nanoseconds(TimePoint from, TimePoint to) {
    return to > from ? static_cast<std::uint64_t>((to - from).count()) : 0;
}

}  // namespace

std::string_view name_of(Stage stage) {
    switch (stage) {
        case Stage::receive:
            return "receive";
        case Stage::queue:
            return "queue";
        case Stage::gather:
            return "gather";
        case Stage::transfer_in:
            return "transfer_in";
        case Stage::compute:
            return "compute";
        case Stage::transfer_out:
            return "transfer_out";
        case Stage::respond:
            return "respond";
    }
    return "unknown";
}

std::string_view name_of(Protocol protocol) {
    switch (protocol) {
        case Protocol::zmq:
            return "zmq";
        case Protocol::grpc:
            return "grpc";
        case Protocol::http:
            return "http";
    }
    return "unknown";
}

std::string_view name_of(Rejection reason) {
    switch (reason) {
        case Rejection::malformed:
            return "malformed";
        case Rejection::unknown_model:
            return "unknown_model";
        case Rejection::wrong_shape:
            return "wrong_shape";
        case Rejection::too_large:
            return "too_large";
        case Rejection::queue_full:
            return "queue_full";
        case Rejection::too_many_calls:
            return "too_many_calls";
        case Rejection::over_credit:
            return "over_credit";
        case Rejection::quota:
            return "quota";
        case Rejection::deadline:
            return "deadline";
        case Rejection::shed:
            return "shed";
        case Rejection::draining:
            return "draining";
        case Rejection::no_device:
            return "no_device";
        case Rejection::culprit:
            return "culprit";
    }
    return "unknown";
}

std::string_view name_of(DroppedReply reason) {
    switch (reason) {
        case DroppedReply::client_left:
            return "client_left";
        case DroppedReply::client_slow:
            return "client_slow";
        case DroppedReply::call_closed:
            return "call_closed";
    }
    return "unknown";
}

ModelMetrics::ModelMetrics()
    : stages(histograms(kStageBounds, std::make_index_sequence<kStages>())),
      durations(histograms(kDurationBounds, std::make_index_sequence<kProtocols>())) {}

void ModelMetrics::record(const Timeline& times, Protocol protocol, StatusCode outcome,
                          std::uint32_t call_rows) {
    const std::array<TimePoint, kStages + 1> points = {
        times.received,      times.admitted,    times.dispatched, times.transferred,
        times.compute_begin, times.compute_end, times.returned,   times.answered};
    for (std::size_t i = 0; i < kStages; ++i) {
        if (points[i] == TimePoint{} || points[i + 1] == TimePoint{}) continue;
        stages[i].observe(nanoseconds(points[i], points[i + 1]));
    }
    durations[static_cast<std::size_t>(protocol)].observe(
        nanoseconds(times.received, times.answered));
    outcomes[static_cast<std::size_t>(outcome)].add();
    if (outcome == StatusCode::ok) rows.add(call_rows);
}

LaneClock& DeviceMetrics::lane_clock(std::uint32_t lane, TimePoint now) {
    while (clocks_.size() <= lane) clocks_.emplace_back(now);
    return clocks_[lane];
}

void DeviceMetrics::publish(TimePoint now) {
    LaneClock::Totals all{};
    for (LaneClock& clock : clocks_) {
        clock.advance(now);
        for (std::size_t i = 0; i < kLaneStates; ++i) all[i] += clock.totals()[i];
    }
    for (std::size_t i = 0; i < kLaneStates; ++i)
        states[i].set_total(static_cast<std::uint64_t>(all[i].count()));
}

Metrics::Metrics() : registry_(std::make_unique<MetricRegistry>()) {}
Metrics::~Metrics() = default;

DaemonMetrics& Metrics::daemon() {
    return registry_->daemon;
}

ModelMetrics& Metrics::model(std::string_view name, std::string_view version) {
    const std::lock_guard lock(registry_->mutex);
    return registry_->models[{std::string(name), std::string(version)}];
}

TenantMetrics& Metrics::tenant(std::string_view name) {
    const std::lock_guard lock(registry_->mutex);
    return registry_->tenants[std::string(name)];
}

DeviceMetrics& Metrics::device(std::string_view name, std::string_view backend) {
    const std::lock_guard lock(registry_->mutex);
    MetricRegistry::Device& device = registry_->devices[std::string(name)];
    device.backend = backend;
    return device.metrics;
}

BatchMetrics& Metrics::batches(std::string_view model, std::string_view version,
                               std::string_view device) {
    const std::lock_guard lock(registry_->mutex);
    const auto on = registry_->devices.find(std::string(device));
    BUNCH_CHECK(on != registry_->devices.end());
    return registry_->batches
        .try_emplace({std::string(model), std::string(version), std::string(device)},
                     on->second.metrics)
        .first->second;
}

ClassMetrics& Metrics::runs(std::string_view model, std::string_view version,
                            std::string_view device_class) {
    const std::lock_guard lock(registry_->mutex);
    return registry_
        ->classes[{std::string(model), std::string(version), std::string(device_class)}];
}

std::string Metrics::text() const {
    return exposition(*registry_);
}

}  // namespace bunch
