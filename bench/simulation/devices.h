/// The devices of a run: their lanes, what is on them and how long it takes. A lane gathers,
/// transfers and runs its batches in order; gather and transfer of a batch overlap the run of the
/// one before it. Told of by events; knows nothing of requests or policies.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "bench/simulation/event_queue.h"
#include "bench/simulation/random.h"
#include "bench/simulation/result.h"
#include "bench/simulation/scenario.h"
#include "core/call.h"
#include "scheduler/decision.h"
#include "scheduler/events.h"

namespace bunch::simulation {

/// A batch on its lane.
struct Flight {
    Batch batch;
    TimePoint ready_at;  ///< gathered and transferred
    TimePoint started;   ///< only while it runs
    Duration gather{};
    Duration transfer{};
    Duration run{};
    std::uint32_t other_busy_lanes = 0;
};

struct SimulatedLane {
    std::uint32_t device = 0;
    bool is_lost = false;
    bool is_running = false;      ///< the first of `flights`
    std::vector<Flight> flights;  ///< oldest first
    TimePoint gather_free;
    TimePoint transfer_free;
    Random runs;
    Random stalls;
};

struct SimulatedDevice {
    std::uint32_t of_class = 0;
    std::uint32_t number = 0;          ///< within the class
    std::vector<std::uint32_t> lanes;  ///< indices, which are their LaneIds
    std::uint32_t running = 0;         ///< lanes that run
    bool is_up = false;
    std::optional<std::uint32_t> held;  ///< the model; only if reconfigurable
    std::optional<std::uint32_t> loading;
    TimePoint loaded_at;     ///< when that will be done
    std::uint32_t life = 0;  ///< how often it has come up
};

class Devices {
  public:
    /// Runs are counted between `from` and `until`. The scenario must outlive this.
    Devices(const Scenario& scenario, std::uint64_t seed, TimePoint start, TimePoint from,
            TimePoint until, EventQueue& events);

    std::uint32_t count() const { return static_cast<std::uint32_t>(devices_.size()); }
    const SimulatedDevice& device(std::uint32_t index) const { return devices_[index]; }
    const DeviceClass& class_of(std::uint32_t device) const;

    /// Gives the device new lanes.
    DeviceInfo bring_up(std::uint32_t device);
    std::vector<InstanceInfo> instances_of(std::uint32_t device) const;

    /// The lanes are gone; returns the batches that were on them.
    std::vector<Batch> lose(std::uint32_t device);

    /// The lane must have a free slot, and the instance must be ready. Returns the batch's lane if
    /// that begins to run it at once.
    bool take(TimePoint at, Dispatch&& dispatch);

    /// Whether the lane begins to run the first of its batches now.
    bool start_if_ready(TimePoint at, std::uint32_t lane);
    BatchId first_batch(std::uint32_t lane) const { return lanes_[lane].flights.front().batch.id; }

    /// The lane's batch has run; removes it. Nothing if the lane was lost in the meantime.
    std::optional<Flight> finish(TimePoint at, std::uint32_t lane);

    void begin_swap(TimePoint at, const Load& load);
    /// Whether the swap that ends now was not cut off by a loss.
    bool finish_swap(TimePoint at, std::uint32_t device);

    std::vector<ClassResult> results() const;

  private:
    struct Work {
        double busy = 0;    ///< seconds of lanes
        double useful = 0;  ///< as busy, weighed
        std::uint64_t batches = 0;
        std::uint64_t rows = 0;
        std::uint64_t swaps = 0;
    };

    void start(TimePoint at, std::uint32_t lane);
    Duration run_time(TimePoint at, SimulatedLane& lane, const Flight& flight);
    void count(TimePoint at, const SimulatedDevice& device, const Flight& flight);

    const Scenario& scenario_;
    std::uint64_t seed_;
    TimePoint start_;
    TimePoint from_;
    TimePoint until_;
    EventQueue& events_;
    std::vector<SimulatedDevice> devices_;
    std::deque<SimulatedLane> lanes_;  ///< index: LaneId; lost ones stay
    std::vector<Work> work_;           ///< per class
};

}  // namespace bunch::simulation
