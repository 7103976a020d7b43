/// The inside of the Scheduler, for its own files only: scheduler.cpp (what clients cause),
/// pool_events.cpp (what devices cause) and dispatch.cpp (what is decided).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "scheduler/batch_former.h"
#include "scheduler/call_table.h"
#include "scheduler/cost_model.h"
#include "scheduler/expiry.h"
#include "scheduler/model_queue.h"
#include "scheduler/pool.h"
#include "scheduler/scheduler.h"

namespace bunch {

struct ModelRecord {
    ModelPolicy policy;
    bool is_listed = true;  ///< in the configuration
    ModelQueue queue;
    std::vector<Index> instances;
    std::optional<ClassId> pinned;  ///< the only class it may run on, once there is one
    bool is_live = false;           ///< a device is ready for it
    bool is_expected = false;       ///< a device will be, or is
    TimePoint dead_since;           ///< when not live
    std::uint32_t smallest_limit = 1;
    bool is_dirty = false;  ///< in dirty_models_
    // At this count of Pool::openings() no lane would take it, with or without a full batch.
    std::optional<std::uint64_t> fruitless_at;
    bool fruitless_full = false;
    std::uint64_t batches_in_flight = 0;
    std::uint64_t rows_in_flight = 0;

    /// Every call runs alone: there are no rows of other calls that could matter.
    bool is_one_call_per_batch() const {
        return !policy.batched || policy.numerics == Numerics::bitwise;
    }
};

class Scheduler::Impl {
  public:
    explicit Impl(std::uint64_t seed) : pool_(costs_), random_(seed) {}

    void advance(TimePoint at) { now_ = std::max(now_, at); }

    // scheduler.cpp
    void configure(SchedulerConfig config);
    void submit(const Ticket& ticket);
    void cancel(CallId call);
    void drain() { is_draining_ = true; }
    QueueStats stats_of(const ModelRecord& model) const;

    // pool_events.cpp
    void device_up(const DeviceInfo& info);
    void device_lost(Index device);
    void device_gone(Index device);
    void instance_up(const InstanceInfo& info);
    void instance_down(Index instance);
    void batch_started(Index batch);
    void batch_done(Index batch, const RunReport& report);
    void lane_lost(Index lane);

    // dispatch.cpp
    void decide(std::vector<Decision>& out);
    std::optional<TimePoint> next_wakeup() const;

    Index model_index(ModelId id) const;

    TimePoint now_;
    CostModel costs_;
    Pool pool_;
    CallTable calls_;
    Slab<ModelRecord> models_;
    std::map<ModelId, Index> model_by_id_;
    std::vector<std::vector<Slice>> spare_slices_;

  private:
    struct Urgency;
    struct Choice;

    /// Why a call is not taken; ok: it is.
    struct Fault {
        Status status;
        RejectReason reason = RejectReason::invalid;
    };

    Fault fault_of(const Ticket& ticket, Index model) const;
    Fault queue_fault_of(const Ticket& ticket, const ModelRecord& model) const;
    void end_call(Index call, Status status, RejectReason reason);
    void reject_all_waiting(ModelRecord& model, const Status& status);
    void forget_call(Index call);
    void watch_deadline(const Ticket& ticket);
    void mark_dirty(Index model);
    void retire_if_unused(Index model);

    void review(Index model);
    void review_device(Index device);
    void pin_class(ModelRecord& model);
    void lose_lanes(Index device);
    void forget_instance(Index instance);
    void return_batch(Index batch);

    void reject_expired();
    void reject_where_no_device();
    void fill_dirty_lanes(std::vector<Decision>& out);
    void place_dirty_models(std::vector<Decision>& out);
    bool takes_batches(Index lane) const;
    bool takes_suspects(const LaneRecord& lane) const;
    bool fill(Index lane, std::vector<Decision>& out);
    Choice most_urgent(const LaneRecord& lane) const;
    std::optional<Urgency> urgency_of(const ModelRecord& model, const InstanceRecord& instance,
                                      const LaneRecord& lane, std::size_t& line) const;
    bool is_full(const ModelRecord& model, std::uint64_t rows, std::uint32_t limit) const;
    Index best_lane(const ModelRecord& model);
    Batch form(Index lane, const Choice& choice);
    std::uint32_t share_of(std::uint64_t rows, const InstanceRecord& instance,
                           const BatchRules& rules) const;
    void take_line(ModelRecord& model, const InstanceRecord& instance, const LaneRecord& lane,
                   std::size_t line, SuspectGroup& into);

    SchedulerConfig config_;
    Expiry expiry_;
    std::vector<Reject> rejects_;     ///< decided already, told by the next decide()
    std::vector<Index> dead_models_;  ///< those that are not live
    std::vector<Index> dirty_models_;
    std::vector<Index> dirty_lanes_;
    std::uint64_t random_;
    std::uint64_t next_batch_ = 0;
    bool is_draining_ = false;
};

}  // namespace bunch
