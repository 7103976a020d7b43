/// A pool on which a rival is asked what it does: models by number, devices in one line, decisions
/// as text.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "bench/simulation/rivals/rule.h"

namespace bunch::simulation {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

inline TimePoint at(Duration since_start) {
    return TimePoint{} + std::chrono::hours(1) + since_start;
}

/// One model's curve on a device class; times in milliseconds.
struct Cost {
    std::uint32_t model = 1;
    double fixed = 0;
    double per_row = 0;
    std::uint32_t limit = 1;
};

struct Ask {
    std::uint32_t model = 1;
    std::uint32_t rows = 1;
    TimePoint deadline = kNever;
    bool late_ok = false;
};

class Stage {
  public:
    explicit Stage(std::unique_ptr<Rule> rule, const PoolSettings& settings = {})
        : policy_(make_rival(settings, std::move(rule))) {}

    /// Before any device.
    void add_model(std::uint32_t number, std::optional<Duration> objective = {},
                   bool batched = true) {
        ModelPolicy policy;
        policy.model = ModelId{number};
        policy.objective = objective;
        policy.batched = batched;
        policy.max_batch_rows = 1000;
        policy.max_queued_rows = 20;
        policy.max_rows_per_request = 16;
        config_.models.push_back(policy);
    }

    /// Its lanes are 10 × number, 10 × number + 1, ...
    void add_device(std::uint32_t number, const std::string& device_class,
                    const std::vector<Cost>& costs, std::uint32_t lanes = 1,
                    std::uint32_t slots = 1, double contended_ms = 0) {
        for (const Cost& cost : costs)
            profiles_.push_back({ModelId{cost.model}, device_class, cost.fixed * 1e-3,
                                 cost.per_row * 1e-3, contended_ms * 1e-3, cost.limit});
        devices_[number] = {DeviceId{number}, device_class, {}, slots};
        for (std::uint32_t i = 0; i < lanes; ++i)
            devices_[number].lanes.push_back(LaneId{10 * number + i});
        costs_[number] = costs;
    }

    void begin() {
        policy_->know(profiles_);
        policy_->configure(at(0ms), config_);
        for (const auto& [number, device] : devices_) device_up(0ms, number);
    }

    void device_up(Duration when, std::uint32_t number) {
        policy_->device_up(at(when), devices_.at(number));
        for (const Cost& cost : costs_.at(number))
            policy_->instance_up(at(when), {InstanceId{100 * number + cost.model},
                                            ModelId{cost.model}, DeviceId{number}, cost.limit});
    }

    void device_lost(Duration when, std::uint32_t number) {
        policy_->device_lost(at(when), DeviceId{number});
        for (const LaneId lane : devices_[number].lanes) running_.erase(lane.value);
    }

    void submit(Duration when, std::uint64_t call, const Ask& ask = {}) {
        Ticket ticket;
        ticket.call = CallId{call};
        ticket.model = ModelId{ask.model};
        ticket.rows = ask.rows;
        ticket.deadline = ask.deadline;
        ticket.late_ok = ask.late_ok;
        policy_->submit(at(when), ticket);
    }

    /// Calls [first, last], of one row each.
    void submit_all(Duration when, std::uint64_t first, std::uint64_t last, const Ask& ask = {}) {
        for (std::uint64_t call = first; call <= last; ++call) submit(when, call, ask);
    }

    /// The oldest batch of the lane is through.
    void done(Duration when, std::uint32_t lane, StatusCode code = StatusCode::ok) {
        std::vector<Batch>& batches = running_[lane];
        ASSERT_FALSE(batches.empty()) << "nothing runs on lane " << lane;
        RunReport report;
        report.code = code;
        policy_->batch_done(at(when), batches.front().id, report);
        policy_->recycle(std::move(batches.front()));
        batches.erase(batches.begin());
    }

    Policy& policy() { return *policy_; }

    /// "lane 10 model 1: 3 4 5" (the calls), "... 5[2..3]" for a part of call 5, "drop 4".
    std::vector<std::string> decide(Duration when) {
        std::vector<Decision> decisions;
        policy_->decide(at(when), decisions);
        std::vector<std::string> texts;
        for (Decision& decision : decisions) {
            if (const auto* reject = std::get_if<Reject>(&decision)) {
                texts.push_back("drop " + std::to_string(reject->call.value));
                reason_ = reject->reason;
                continue;
            }
            Batch& batch = std::get<Dispatch>(decision).batch;
            texts.push_back(text_of(batch));
            closed_by_ = std::get<Dispatch>(decision).closed_by;
            running_[batch.lane.value].push_back(std::move(batch));
        }
        return texts;
    }

    /// Milliseconds since the start; nothing: none.
    std::optional<double> wakeup() const {
        const std::optional<TimePoint> next = policy_->next_wakeup();
        if (!next) return std::nullopt;
        return to_seconds(*next - at(0ms)) * 1e3;
    }

    RejectReason last_reason() const { return reason_; }
    CloseReason last_closed_by() const { return closed_by_; }

  private:
    static std::string text_of(const Batch& batch) {
        std::string text = "lane " + std::to_string(batch.lane.value) + " model " +
                           std::to_string(batch.model.value) + ":";
        std::uint32_t rows = 0;
        for (const Slice& slice : batch.slices) {
            text += " " + std::to_string(slice.call.value);
            if (slice.rows != 1)
                text += "[" + std::to_string(slice.first_row) + ".." +
                        std::to_string(slice.first_row + slice.rows - 1) + "]";
            rows += slice.rows;
        }
        EXPECT_EQ(rows, batch.rows);
        EXPECT_EQ(batch.instance.value % 100, batch.model.value);
        return text;
    }

    std::unique_ptr<Policy> policy_;
    SchedulerConfig config_;
    std::vector<Profile> profiles_;
    std::map<std::uint32_t, DeviceInfo> devices_;
    std::map<std::uint32_t, std::vector<Cost>> costs_;
    std::map<std::uint32_t, std::vector<Batch>> running_;
    RejectReason reason_ = RejectReason::invalid;
    CloseReason closed_by_ = CloseReason::queue;
};

}  // namespace bunch::simulation
