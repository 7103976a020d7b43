/// A whole life of a scheduler in virtual time: random calls, devices that run, fail, go and come
/// back, and an operator who changes his mind. Everything follows from the seed.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/scheduler.h"
#include "tests/simulation/ledger.h"

namespace bunch::simulation {

class World {
  public:
    explicit World(std::uint64_t seed);

    /// Lives until nothing is left to happen, or a promise is broken.
    void run();

    /// What was broken, or "".
    const std::string& problem() const { return ledger_.problem(); }

    /// Of all decisions with their times: equal lives have equal prints.
    std::uint64_t fingerprint() const { return fingerprint_; }

    const Ledger& ledger() const { return ledger_; }

  private:
    struct SimLane {
        std::size_t device = 0;
        std::deque<Batch> batches;
    };
    struct SimInstance {
        ModelId model;
        std::size_t device = 0;
        std::uint32_t limit = 0;
    };
    struct SimDevice {
        DeviceId id;
        std::string device_class;
        std::uint32_t lane_count = 1;
        std::uint32_t slots = 1;
        std::set<ModelId> models;
        bool is_up = false;
        std::vector<LaneId> lanes;
    };

    std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
    bool chance(double probability) {
        return static_cast<double>(random_() >> 11) * 0x1p-53 < probability;
    }
    Duration up_to(Duration most) {
        return Duration(
            static_cast<Duration::rep>(below(static_cast<std::uint64_t>(most.count()) + 1)));
    }
    void after(Duration wait, std::function<void()> action);

    ModelPolicy random_policy(ModelId model);
    void configure();
    void plan();
    void plan_arrivals();

    void arrive();
    Ticket random_ticket();
    void cancel_some();
    void reconfigure();
    void talk_nonsense();
    void bring_up(std::size_t device);
    void load(std::size_t device, ModelId model);
    void unload_some();
    void lose(std::size_t device, bool for_good);
    void lose_lane(LaneId lane);

    void obey(const Decision& decision);
    void start(const Batch& batch);
    void begin_front(LaneId lane);
    void finish_front(LaneId lane, BatchId batch, Duration run);

    void settle();
    void check_accounts();
    void check_no_lane_idles();
    void check_admission(const Ticket& ticket, std::uint64_t rows, std::uint64_t bytes);
    const ModelPolicy* policy(ModelId model) const;
    void print(std::uint64_t number);

    std::mt19937_64 random_;
    Scheduler scheduler_;
    Ledger ledger_;
    TimePoint now_;
    std::map<std::pair<TimePoint, std::uint64_t>, std::function<void()>> events_;
    std::uint64_t planned_ = 0;

    SchedulerConfig config_;
    std::uint64_t model_count_ = 1;
    std::vector<SimDevice> devices_;
    std::map<LaneId, SimLane> lanes_;
    std::map<InstanceId, SimInstance> ready_;
    std::set<BatchId> started_;  ///< as far as the scheduler was told
    std::map<ModelId, std::set<std::string>> classes_used_;
    double poison_ = 0;   ///< part of the calls that kill the device that runs them
    double failure_ = 0;  ///< part of the batches that the device reports as failed
    std::uint32_t next_lane_ = 0;
    std::uint32_t next_instance_ = 0;
    std::uint64_t next_call_ = 0;
    std::uint64_t fingerprint_ = 14695981039346656037u;
};

}  // namespace bunch::simulation
