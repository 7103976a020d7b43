/// Small scenarios whose timelines can be worked out by hand, and the plainest policy there is.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "bench/simulation/policy.h"
#include "bench/simulation/scenario.h"
#include "bench/simulation/world.h"

namespace bunch::simulation {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Takes what waits, first come first served, whole requests, model 0 before model 1 and so on, to
/// the lanes in their order. Writes down what it is told.
class FirstCome : public Policy {
  public:
    /// When a batch started or ended, since the first configuration.
    struct Note {
        Duration at{};
        std::uint32_t rows = 0;
        friend bool operator==(const Note&, const Note&) = default;
    };

    void know(const std::vector<Profile>& profiles) override { profiles_ = profiles; }
    void configure(TimePoint at, const SchedulerConfig& config) override {
        start_ = at;
        config_ = config;
    }
    void device_up(TimePoint, const DeviceInfo& device) override {
        for (const LaneId lane : device.lanes)
            lanes_[lane.value] = {device.device, device.slots_per_lane};
    }
    void device_lost(TimePoint at, DeviceId device) override {
        lost.push_back(at - start_);
        for (auto it = flying_.begin(); it != flying_.end();) {
            if (lanes_.at(it->second.lane.value).device != device) {
                ++it;
                continue;
            }
            for (const Slice& slice : it->second.slices)
                queues_[it->second.model.value].push_front({slice.call, slice.rows});
            it = flying_.erase(it);
        }
        std::erase_if(lanes_, [device](const auto& lane) { return lane.second.device == device; });
    }
    void instance_up(TimePoint at, const InstanceInfo& instance) override {
        const auto key = std::pair(instance.device.value, instance.model.value);
        limits_[key] = instance.state == InstanceState::ready ? instance.max_batch_rows : 0;
        told.emplace_back(at - start_, instance);
    }
    void submit(TimePoint at, const Ticket& ticket) override {
        asked.push_back(at - start_);
        tickets.push_back(ticket);
        queues_[ticket.model.value].push_back({ticket.call, ticket.rows});
    }
    void batch_started(TimePoint at, BatchId batch) override {
        started.push_back({at - start_, flying_.at(batch.value).rows});
    }
    void batch_done(TimePoint at, BatchId batch, const RunReport& report) override {
        const auto found = flying_.find(batch.value);
        done.push_back({at - start_, found->second.rows});
        reports.push_back(report);
        ++lanes_.at(found->second.lane.value).free_slots;
        flying_.erase(found);
    }
    void decide(TimePoint, std::vector<Decision>& out) override {
        for (auto& [number, lane] : lanes_)
            while (lane.free_slots > 0 && dispatch(LaneId{number}, lane, out)) {
            }
    }
    std::optional<TimePoint> next_wakeup() const override { return std::nullopt; }
    void recycle(Batch&&) override {}

    std::vector<Duration> asked;
    std::vector<Ticket> tickets;
    std::vector<Note> started;
    std::vector<Note> done;
    std::vector<RunReport> reports;
    std::vector<Duration> lost;
    std::vector<std::pair<Duration, InstanceInfo>> told;
    const SchedulerConfig& config() const { return config_; }
    const std::vector<Profile>& profiles() const { return profiles_; }

  protected:
    struct Waiting {
        CallId call;
        std::uint32_t rows = 0;
    };
    struct Lane {
        DeviceId device;
        std::uint32_t free_slots = 1;
    };

    bool dispatch(LaneId id, Lane& lane, std::vector<Decision>& out) {
        for (auto& [model, queue] : queues_) {
            Batch batch;
            const std::uint32_t limit = limits_[{lane.device.value, model}];
            while (!queue.empty() && batch.rows + queue.front().rows <= limit) {
                batch.slices.push_back({queue.front().call, 0, queue.front().rows});
                batch.rows += queue.front().rows;
                queue.pop_front();
            }
            if (batch.rows == 0) continue;
            batch.id = BatchId{next_batch_++};
            batch.model = ModelId{model};
            batch.lane = id;
            --lane.free_slots;
            flying_[batch.id.value] = batch;
            out.emplace_back(Dispatch{std::move(batch)});
            return true;
        }
        return false;
    }

    std::map<std::uint32_t, std::deque<Waiting>> queues_;

  private:
    TimePoint start_;
    SchedulerConfig config_;
    std::vector<Profile> profiles_;
    std::map<std::uint32_t, Lane> lanes_;
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> limits_;
    std::map<std::uint64_t, Batch> flying_;
    std::uint64_t next_batch_ = 1;
};

/// A class named "device", one lane, no noise: 1 ms + 0.1 ms per row, up to 8 rows of model 0.
inline DeviceClass plain_class() {
    DeviceClass one;
    one.name = "device";
    one.curves = {{.model = 0, .fixed = 1e-3, .per_row = 1e-4, .max_rows = 8}};
    return one;
}

/// `clients` that ask model A together after exactly 2 ms, and again 2 ms after each answer, for
/// 20 ms.
inline Scenario farm_of(std::uint32_t clients) {
    Scenario scenario;
    scenario.name = "farm";
    scenario.measure = Measure::events;
    scenario.span = 20ms;
    scenario.warm_up = 0;
    scenario.models = {{.name = "A"}};
    scenario.classes = {plain_class()};
    scenario.farm = Farm{clients, 0, {{2ms, 0}}};
    return scenario;
}

/// Model A with an objective of 5 ms, asked at random.
inline Scenario open_loop() {
    Scenario scenario;
    scenario.name = "open";
    scenario.span = 500ms;
    scenario.models = {{.name = "A", .objective = 5ms, .mix = 1}};
    scenario.classes = {plain_class()};
    return scenario;
}

}  // namespace bunch::simulation
