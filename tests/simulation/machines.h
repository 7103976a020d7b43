/// The devices of a simulated life: they come up, load, run, stall, hang, fail, go and come back.
/// Also what was promised about them: what a batch may be sent to, and when a lane may idle.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/decision.h"
#include "tests/simulation/life.h"

namespace bunch::simulation {

class Machines {
  public:
    explicit Machines(Life& life);

    /// Begins everything that devices do by themselves.
    void plan();

    void start(const Dispatch& dispatch);
    void load_image(const Load& load);
    void unload_some();

    /// Whether what the scheduler did so far is in order.
    void check();

  private:
    struct Running {
        Batch batch;
        TimePoint began;  ///< to run; only of the oldest of a lane
        Duration predicted{};
    };
    struct Lane {
        std::size_t device = 0;
        std::deque<Running> batches;
        TimePoint idle_since;
        bool is_hanging = false;       ///< so long that the scheduler must know
        bool is_on_probation = false;  ///< it hung: one row at a time
        bool is_doubtful = false;      ///< a batch took so long that it may be quarantined
    };
    struct Instance {
        ModelId model;
        std::size_t device = 0;
        std::uint32_t limit = 0;
        bool is_ready = false;  ///< else it is loadable
        TimePoint since;
    };
    struct Device {
        DeviceId id;
        std::string device_class;
        Duration fixed{};    ///< of a run
        Duration per_row{};  ///< of a run
        std::uint32_t lane_count = 1;
        std::uint32_t slots = 1;
        std::map<ModelId, ImageNumber> models;
        Duration load_time{};
        bool is_up = false;
        std::uint64_t lives = 0;  ///< times that it came up
        ImageNumber holds = 0;    ///< 0: it is no reconfigurable one
        std::optional<ImageNumber> loading;
        std::vector<LaneId> lanes;
    };

    Device random_device(std::uint32_t number);
    void recall_something();
    void bring_up(std::size_t device);
    void announce(std::size_t device, ModelId model);
    void lose(std::size_t device, bool for_good);
    void lose_lane(LaneId lane);
    void forget_lane(LaneId lane);
    void end_load(std::size_t device, ImageNumber image, std::uint64_t life);

    bool is_in_order(const Batch& batch);
    void check_lane(const Lane& lane, const Batch& batch);
    bool hangs(const Lane& lane) const;
    void begin_front(LaneId lane);
    Duration run_time(const Device& device, std::uint32_t rows);
    void finish_front(LaneId lane, BatchId batch, Duration run);
    void excuse_lanes();
    void check_idle(const Instance& instance);

    Life& life_;
    std::vector<Device> devices_;
    std::map<LaneId, Lane> lanes_;
    std::map<InstanceId, Instance> instances_;
    std::set<BatchId> started_;  ///< as far as the scheduler was told
    std::map<ModelId, std::set<std::string>> classes_used_;
    /// Since when the run time of a model on a class is known.
    std::map<std::pair<ModelId, std::string>, TimePoint> known_since_;
    std::uint32_t next_lane_ = 0;
    std::uint32_t next_instance_ = 0;
};

}  // namespace bunch::simulation
