/// Words for tests of the scheduler: times, tickets, a pool in one line, and what was decided.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "scheduler/scheduler.h"

namespace bunch::scenario {

using namespace std::chrono_literals;

inline constexpr ModelId kModel{1};
inline constexpr DeviceId kDevice{1};
inline constexpr InstanceId kInstance{1};

/// A point in time; the start is not 0, so that a forgotten time shows.
inline TimePoint at(Duration since_start) {
    return TimePoint{} + std::chrono::hours(1) + since_start;
}

inline Ticket ticket(std::uint64_t call, std::uint32_t rows = 1) {
    Ticket made;
    made.call = CallId{call};
    made.model = kModel;
    made.rows = rows;
    made.bytes = 100;
    return made;
}

inline Ticket ticket_by(std::uint64_t call, TimePoint deadline, std::uint32_t rows = 1) {
    Ticket made = ticket(call, rows);
    made.deadline = deadline;
    return made;
}

inline ModelPolicy policy(std::uint32_t max_batch_rows) {
    ModelPolicy made;
    made.model = kModel;
    made.name = "net";
    made.max_batch_rows = max_batch_rows;
    return made;
}

inline DeviceInfo device(std::uint32_t lanes, std::uint32_t slots, DeviceId id = kDevice,
                         std::string device_class = "cpu") {
    DeviceInfo made{id, std::move(device_class), {}, slots};
    for (std::uint32_t i = 0; i < lanes; ++i) made.lanes.push_back(LaneId{id.value * 100 + i});
    return made;
}

inline InstanceInfo instance(std::uint32_t max_batch_rows, DeviceId on = kDevice,
                             ModelId model = kModel) {
    return {InstanceId{on.value * 100 + model.value}, model, on, max_batch_rows,
            InstanceState::ready};
}

inline std::vector<Decision> decide(Scheduler& scheduler, TimePoint when) {
    std::vector<Decision> out;
    scheduler.decide(when, out);
    return out;
}

inline std::vector<Batch> batches_of(const std::vector<Decision>& decisions) {
    std::vector<Batch> batches;
    for (const Decision& decision : decisions)
        if (const auto* dispatch = std::get_if<Dispatch>(&decision))
            batches.push_back(dispatch->batch);
    return batches;
}

inline std::vector<Reject> rejects_of(const std::vector<Decision>& decisions) {
    std::vector<Reject> rejects;
    for (const Decision& decision : decisions)
        if (const auto* reject = std::get_if<Reject>(&decision)) rejects.push_back(*reject);
    return rejects;
}

/// The calls of a batch, in order.
inline std::vector<std::uint64_t> calls_of(const Batch& batch) {
    std::vector<std::uint64_t> calls;
    for (const Slice& slice : batch.slices) calls.push_back(slice.call.value);
    return calls;
}

/// What a batch of so many rows takes on the tests' device: 1 ms + 1 ms per row.
inline Duration run_time(std::uint32_t rows) {
    return 1ms + rows * 1ms;
}

inline RunReport report(Duration compute) {
    return {StatusCode::ok, 0ns, 0ns, compute};
}

/// What there is to learn of a device whose runs take exactly fixed + per_row * rows.
inline LearntCurve exact_curve(Duration fixed, Duration per_row, std::string device_class = "cpu",
                               ModelId model = kModel) {
    LearntCurve curve;
    curve.model = model;
    curve.device_class = std::move(device_class);
    curve.fixed = to_seconds(fixed);
    curve.per_row = to_seconds(per_row);
    curve.smallest_rows = 1;
    curve.largest_rows = 64;
    return curve;
}

/// The tests' device is known from the start, so that no batch is a trial.
inline void teach(Scheduler& scheduler, TimePoint when = at(0ms)) {
    scheduler.recall(when, {exact_curve(1ms, 1ms)});
}

/// One model on one device with one lane of two slots, and no limits that matter. Nothing is known
/// of the device.
inline Scheduler new_lane(ModelPolicy model, std::uint32_t slots = 2) {
    Scheduler scheduler(1);
    const std::uint32_t limit = model.max_batch_rows;
    scheduler.configure(at(0ms), {{std::move(model)}, 5s});
    scheduler.device_up(at(0ms), device(1, slots));
    scheduler.instance_up(at(0ms), instance(limit));
    return scheduler;
}

/// As new_lane(), on the tests' device.
inline Scheduler one_lane(ModelPolicy model, std::uint32_t slots = 2) {
    Scheduler scheduler = new_lane(std::move(model), slots);
    teach(scheduler);
    return scheduler;
}

MATCHER_P2(RejectOf, call, code, "") {
    return arg.call == CallId{static_cast<std::uint64_t>(call)} && arg.status.code() == code;
}

}  // namespace bunch::scenario
