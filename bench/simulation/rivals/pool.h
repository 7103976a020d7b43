/// What all rivals share: the models' queues, first come first served, the lanes, and what is in
/// flight on them. Bookkeeping only; which rows run where and when is each rival's Rule.
///
/// A rival knows no tenants, priorities, shape classes or client order. It takes requests whole;
/// one that is larger than the row limit of the device is cut. It runs what a reconfigurable device
/// holds at the start and never loads another image.
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

#include "bench/simulation/policy.h"
#include "scheduler/slab.h"

namespace bunch::simulation {

/// What a rival is told or assumes, whatever its rule.
struct PoolSettings {
    std::uint32_t slots = 1;  ///< of each lane that are used, as far as it has them
    /// The part of a device's other lanes that is taken to be busy when run times are estimated.
    double contention = 1;
    double margin = 0;  ///< added to estimated run times, as a fraction of them
};

/// Rows of a call that wait.
struct Waiting {
    CallId call;
    TimePoint arrival;
    /// When the answer is wanted: deadline or arrival + objective, whichever comes first.
    TimePoint wanted = kNever;
    /// From when the answer is worthless, so that the call may be dropped; kNever: never.
    TimePoint deadline = kNever;
    std::uint64_t sequence = 0;  ///< of the call's arrival
    std::uint32_t first_row = 0;
    std::uint32_t rows = 0;
};

class Pool {
  public:
    explicit Pool(const PoolSettings& settings) : settings_(settings) {}

    struct Line {
        ModelPolicy policy;
        std::deque<Waiting> queue;
        std::uint64_t rows = 0;          ///< in the queue
        std::uint32_t in_objective = 0;  ///< rows that some device runs within the objective
    };
    struct Lane {
        LaneId id;
        Index device = kNone;
        Index device_class = kNone;
        TimePoint free_at;                   ///< when what it has is expected to be through
        std::vector<std::uint64_t> flights;  ///< batch numbers, oldest first
    };

    // Events, as in Policy.
    void know(const std::vector<Profile>& profiles) { profiles_ = profiles; }
    void configure(TimePoint at, const SchedulerConfig& config);
    void device_up(TimePoint at, const DeviceInfo& device);
    void device_lost(TimePoint at, DeviceId device);
    void instance_up(TimePoint at, const InstanceInfo& instance);
    void submit(TimePoint at, const Ticket& ticket);
    void batch_done(TimePoint at, BatchId batch, const RunReport& report);
    void recycle(Batch&& batch);
    void tick(TimePoint at);
    /// Appends the rejections of calls that were refused when they came.
    void flush_refusals(std::vector<Decision>& out);
    bool has_refusals() const { return !refusals_.empty(); }

    TimePoint now() const { return now_; }
    /// Models with rows that wait, in no order of meaning.
    const std::vector<Index>& waiting() const { return waiting_; }
    const Line& line(Index model) const { return lines_[model]; }
    /// Lanes that can take a batch, the one that has been able to for longest first.
    const std::vector<Index>& free_lanes() const { return free_lanes_; }
    const Lane& lane(Index lane) const { return lanes_[lane]; }
    Index class_count() const { return static_cast<Index>(classes_.size()); }
    Index model_count() const { return static_cast<Index>(lines_.size()); }
    /// Lanes of the class that are there, busy or not.
    std::uint32_t lanes_of(Index device_class) const { return classes_[device_class].lanes; }

    /// Rows that a batch of the model may have on the lane. 0: the model is not there, or the
    /// oldest request alone would take longer than the objective, while it would not elsewhere.
    std::uint32_t limit(Index lane, Index model) const {
        const bool is_slow = too_slow(lanes_[lane].device_class, model);
        return is_slow ? 0 : devices_[lanes_[lane].device].limits[model];
    }
    /// The rows, within the limit and at least one, that run on the lane within `part` of the
    /// model's objective. The limit itself if `part` is 0 or the model has no objective.
    std::uint32_t capped_limit(Index lane, Index model, double part) const;
    /// The largest limit of the model on devices of the class; 0: the model is not there.
    std::uint32_t class_limit(Index device_class, Index model) const {
        return classes_[device_class].limits[model];
    }

    /// How long a batch is estimated to run. Zero where no profile is known.
    Duration run(Index device_class, Index model, std::uint64_t rows) const {
        const Curve& curve = classes_[device_class].curves[model];
        return Duration(
            static_cast<Duration::rep>(curve.fixed + curve.per_row * static_cast<double>(rows)));
    }
    /// The most rows, up to `limit`, that run within `span`.
    std::uint32_t rows_within(Index device_class, Index model, Duration span,
                              std::uint32_t limit) const;
    /// The shortest time in which any device that is there, busy or not, runs the oldest request of
    /// the model; zero if there is none.
    Duration shortest_run(Index model) const;
    /// When a batch that is sent to the lane now is expected to begin.
    TimePoint begin_on(Index lane) const { return std::max(now_, lanes_[lane].free_at); }

    /// The free lane that has the model and waits for longest, one that runs nothing first; or
    /// kNone.
    Index first_lane(Index model) const;
    /// The free lane that would be first to finish what waits of the model, up to its limit; or
    /// kNone.
    Index quickest_lane(Index model) const;

    /// Sends up to `rows` rows of the model to the lane, at least its oldest request if the lane's
    /// limit allows. Needs a free lane with the model, and rows that wait.
    void dispatch(Index lane, Index model, std::uint32_t rows, CloseReason reason,
                  std::vector<Decision>& out);
    /// The oldest call of the model ends unserved.
    void drop_oldest(Index model, std::vector<Decision>& out);
    /// Drops the oldest calls whose deadline is before `time`.
    void drop_before(Index model, TimePoint time, std::vector<Decision>& out) {
        while (!lines_[model].queue.empty() && lines_[model].queue.front().deadline < time)
            drop_oldest(model, out);
    }

  private:
    struct Curve {
        double fixed = 0;                ///< nanoseconds
        double per_row = 0;              ///< nanoseconds
        std::uint32_t in_objective = 0;  ///< rows that run within the objective, without margin
    };
    struct DeviceClass {
        std::string name;
        std::uint32_t lanes = 0;
        std::uint32_t lanes_per_device = 1;
        std::vector<Curve> curves;          ///< by model
        std::vector<std::uint32_t> limits;  ///< by model
    };
    struct Device {
        DeviceId id;
        Index device_class = kNone;
        std::vector<Index> lanes;  ///< empty: it is down
        std::uint32_t slots = 1;
        std::vector<std::uint32_t> limits;    ///< by model
        std::vector<InstanceId> instances;    ///< by model
        std::vector<InstanceInfo> announced;  ///< as told, also before the device or model
    };
    struct Flight {
        Index lane = kNone;  ///< kNone: it is over
        Index model = kNone;
        std::uint32_t rows = 0;
        std::vector<Waiting> parts;
    };

    bool too_slow(Index device_class, Index model) const {
        const Line& line = lines_[model];
        if (line.queue.empty()) return false;
        const std::uint32_t rows = line.queue.front().rows;
        return rows > classes_[device_class].curves[model].in_objective &&
               rows <= line.in_objective;
    }
    Index model_of(ModelId id) const;
    Device& device_of(DeviceId id);
    void refresh(Device& device);
    void lose_lanes(Device& device);
    Curve curve_of(const DeviceClass& device_class, const ModelPolicy& model) const;
    void refuse(CallId call, StatusCode code, RejectReason reason, const char* message);
    void push(Index model, const Waiting& part);
    void put_back(Index model, std::vector<Waiting>& parts);
    void forget_call(Index model, CallId call);
    void note_rows(Index model);
    void note_lane(Index lane);
    static void take_rows(Line& line, std::uint32_t rows, Flight& flight);
    Flight* flight_of(std::uint64_t batch);
    void end_flight(Flight& flight);

    PoolSettings settings_;
    TimePoint now_{};
    std::vector<Profile> profiles_;
    std::vector<Line> lines_;
    std::unordered_map<std::uint32_t, Index> models_;
    std::vector<Index> waiting_;
    std::vector<DeviceClass> classes_;
    std::vector<Device> devices_;
    std::vector<Lane> lanes_;
    std::vector<Index> free_lanes_;
    std::deque<Flight> flights_;  ///< the first is number first_flight_
    std::uint64_t first_flight_ = 0;
    std::uint64_t next_sequence_ = 0;
    std::vector<Reject> refusals_;
    std::vector<std::vector<Waiting>> spare_parts_;
    std::vector<std::vector<Slice>> spare_slices_;
};

}  // namespace bunch::simulation
