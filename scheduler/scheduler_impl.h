/// The inside of the Scheduler, for its own files only: scheduler.cpp (what clients cause),
/// pool_events.cpp (what devices cause), candidate.cpp (what a lane could run), holding.cpp
/// (whether it should already), dispatch.cpp (what is decided), upkeep.cpp (what is looked at now
/// and then).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "scheduler/arrivals.h"
#include "scheduler/batch_former.h"
#include "scheduler/call_table.h"
#include "scheduler/client_order.h"
#include "scheduler/cost_model.h"
#include "scheduler/expiry.h"
#include "scheduler/fair_share.h"
#include "scheduler/model_queue.h"
#include "scheduler/pool.h"
#include "scheduler/returns.h"
#include "scheduler/scheduler.h"

namespace bunch {

struct SwapCase;

/// A model on the devices of one class.
struct ClassUse {
    Index device_class = kNone;
    CostCurve* curve = nullptr;
    std::uint32_t lanes = 0;           ///< of devices with a usable instance
    std::uint32_t limit = 1;           ///< rows, the largest of the instances
    std::uint32_t smallest_limit = 1;  ///< rows, the smallest of the instances
    std::uint32_t usual_others = 0;    ///< lanes of a device, less one

    // Worked out from the curve now and then, see refresh_estimates().
    std::uint32_t wanted_rows = 1;  ///< the largest batch whose run and turn keep the objective
    double usual_rate = 0;          ///< rows per second of a lane in batches of wanted_rows
    Duration usual_objective{};     ///< what goes for one here where the operator set none

    TimePoint hold_until;  ///< a lane waits for more rows, or leaves them to a better class
    TimePoint hold_since;  ///< since when lanes wait for rows; TimePoint{}: they do not
};

struct ModelRecord {
    Index index = kNone;  ///< its own
    ModelPolicy policy;
    bool is_listed = true;  ///< in the configuration
    ModelQueue queue;
    ArrivalRate arrivals;    ///< all rows
    ArrivalRate unexpected;  ///< rows of calls that follow no answer
    std::vector<Index> instances;
    std::vector<ClassUse> uses;     ///< by class, those with usable instances
    std::optional<ClassId> pinned;  ///< the only class it may run on, once there is one
    bool is_live = false;           ///< a device is ready for it
    bool is_expected = false;       ///< a device will be, or is
    TimePoint dead_since;           ///< when not live
    bool is_dirty = false;          ///< in dirty_models_
    bool has_order = false;         ///< the order of some client's calls was ever to be kept
    double best_rate = 0;           ///< of its uses' usual rates
    double loss = 0;         ///< the part of its calls that is lost, over the newest few hundred
    double growth = 0;       ///< of the queue, rows per second, average over a second
    double rows_before = 0;  ///< in the queue, when growth was last worked out
    double attainable_rate = 0;     ///< the best, in batches as large as its calls come
    double work_per_row = 0;        ///< seconds of the whole pool
    double rows_per_call = 1;       ///< average
    std::uint32_t unrefreshed = 0;  ///< batches since refresh_estimates()
    std::uint64_t batches_in_flight = 0;
    std::uint64_t rows_in_flight = 0;

    /// A call was answered, or not, or too late.
    void note_end(bool is_lost) {
        constexpr double kGain = 0.002;
        loss += kGain * ((is_lost ? 1.0 : 0.0) - loss);
    }

    /// Where it runs fastest; null if that is not known.
    const ClassUse* best_use() const {
        for (const ClassUse& use : uses)
            if (use.usual_rate > 0 && use.usual_rate >= best_rate) return &use;
        return nullptr;
    }

    /// Every call runs alone: there are no rows of other calls that could matter.
    bool is_one_call_per_batch() const {
        return !policy.batched || policy.numerics == Numerics::bitwise;
    }
};

/// How soon a call without deadline and objective should be answered, as far as order goes, where
/// nothing is known of its run time.
inline constexpr Duration kUsualObjective = std::chrono::milliseconds(100);

/// Pieces looked at for one batch, times its limit.
inline constexpr std::uint64_t kMostWalked = 4;

/// Pieces that wait for older calls of their clients, passed over for one batch.
inline constexpr std::uint64_t kMostBlocked = 1024;

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

    // upkeep.cpp
    void recall(const std::vector<LearntCurve>& curves);

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
    struct Candidate;
    struct Plan;
    struct Fault;

    // scheduler.cpp
    Fault fault_of(const Ticket& ticket, Index model);
    void note_loss(const Ticket& ticket, Index model);
    void note_tier(Tier tier);
    Fault queue_fault_of(const Ticket& ticket, const ModelRecord& model) const;
    Fault quota_fault_of(const Ticket& ticket, const ModelRecord& model);
    bool may_go(const ModelRecord& model, Index call, Index lane) const;
    bool suspects_may_go(const ModelRecord& model, Index lane) const;
    void leave_queue(Index model, const HeldSlice& held, Index lane);
    void end_call(Index call, Status status, RejectReason reason);
    void reject_all_waiting(ModelRecord& model, const Status& status);
    void forget_call(Index call);
    void watch_deadline(const Ticket& ticket);
    void mark_dirty(Index model);
    void retire_if_unused(Index model);
    double next_lot();

    // pool_events.cpp
    void review(Index model);
    void review_device(Index device);
    void pin_class(ModelRecord& model);
    void lose_lanes(Index device);
    void forget_instance(Index instance);
    void return_batch(Index batch);
    void add_use(ModelRecord& model, InstanceRecord& instance, const DeviceRecord& device);
    void learn(const InFlight& batch, const RunReport& report);
    void learn_pace(DeviceRecord& device, const InFlight& batch, Duration compute);
    void wait_again(Index model, const SuspectGroup& group);
    void run_apart(Index index, const SuspectGroup& group);
    void leave_order(Index model, const SuspectGroup& group);
    void finish_slices(const InFlight& batch, const RunReport& report);
    void mark_class(Index device_class);

    // candidate.cpp
    std::optional<Candidate> evaluate(Index model, ClassUse& use, LaneState state, Tier least);
    std::optional<Candidate> suspects_of(Index model, const ClassUse& use);
    Index pick_lane(Index model, const ClassUse& use, LaneState state, bool for_suspects);
    std::size_t next_line(const ModelRecord& model, Tier least, std::size_t after) const;
    BatchRules rules_of(const ModelRecord& model, const ClassUse& use, Index lane,
                        std::size_t line) const;
    std::uint32_t share_of(const ClassUse& use, const BatchRules& rules, std::uint64_t rows) const;
    void give_up(Index model, Index call);
    std::uint64_t rows_for(const ModelRecord& model, std::size_t line) const;
    Plan plan_batch(Index model, const ClassUse& use, const BatchRules& rules, std::size_t line,
                    Index lane);
    void size_batch(const ModelRecord& model, const ClassUse& use, const BatchRules& rules,
                    Index lane, Plan& plan) const;
    void consider_shedding(const ModelRecord& model, const ClassUse& use, const BatchRules& rules,
                           Index lane, std::uint32_t cap, Plan& plan) const;
    double score_of(const ModelRecord& model, const ClassUse& use, const BatchRules& rules,
                    const Plan& plan) const;
    TimePoint end_elsewhere(const ModelRecord& model, const ClassUse& use, std::uint32_t rows,
                            ShapeClass shape) const;
    double load_of(const ClassUse& use) const;
    TimePoint wanted_by(const ModelRecord& model, const OpenCall& call,
                        Duration otherwise = kUsualObjective) const;
    bool takes_suspects(const LaneRecord& lane) const;

    // holding.cpp
    bool leaves_to_better_class(const ModelRecord& model, ClassUse& use, const BatchRules& rules,
                                Plan& plan);
    bool waits_for_more(Index model, ClassUse& use, const BatchRules& rules, const Plan& plan,
                        Index lane);
    bool keeps_clear(const ModelRecord& model, ClassUse& use, const BatchRules& rules,
                     const Plan& plan, Index lane);
    double rows_it_would_cost(const ModelRecord& model, Index device_class, Duration blocked) const;
    double backlog_of(Index device_class, Index but) const;
    void list_answers_to_come();

    // dispatch.cpp
    void reject_expired();
    void reject_where_no_device();
    void serve_class(Index device_class, std::vector<Decision>& out);
    bool serve_best(Index device_class, LaneState state, std::vector<Decision>& out);
    void serve_model(Index model, std::vector<Decision>& out);
    void rearm(Index device_class);
    void give_lower_tier(Index device_class, LaneState state, Candidate& best);
    void dispatch(const Candidate& candidate, std::vector<Decision>& out);
    void take_rows(const Candidate& candidate, const BatchRules& rules, InFlight& into);

    // upkeep.cpp
    void upkeep(std::vector<Decision>& out);
    void refresh_estimates(Index model);
    void note_batch_for_estimates(Index model, const CostCurve& curve);
    void watch_lane(Index lane);
    TimePoint overdue_at(const LaneRecord& lane) const;
    void check_lanes();
    void judge_probe(Index lane, const InFlight& batch, const RunReport& report);
    void consider_swaps(std::vector<Decision>& out);
    Index wanted_swap(Index device) const;
    bool is_loadable(Index device, Index model) const;
    double work_waiting(Index model, Index device_class) const;
    double load_without(const DeviceRecord& device) const;
    void need_elsewhere(const ModelRecord& model, SwapCase& into) const;
    void list_losing();
    void measure_growth();
    void end_swap(Index device);

    /// The last answer of end_elsewhere() within a decide(), and what was asked.
    struct Elsewhere {
        TimePoint at;
        std::uint64_t batches = 0;  ///< dispatched so far
        Index model = kNone;
        Index device_class = kNone;
        std::uint32_t rows = 0;
        ShapeClass shape = 0;
        TimePoint end;

        bool is_same_question(const Elsewhere& other) const {
            return at == other.at && batches == other.batches && model == other.model &&
                   device_class == other.device_class && rows == other.rows && shape == other.shape;
        }
    };
    mutable Elsewhere elsewhere_;

    SchedulerConfig config_;
    FairShare fair_;
    Returns returns_;
    Returns::Outlook outlook_;  ///< of waits_for_more()
    ClientOrder order_;
    Expiry expiry_;
    std::vector<Reject> rejects_;     ///< decided already, told by the next decide()
    std::vector<Index> dead_models_;  ///< those that are not live
    std::vector<Index> dirty_models_;
    std::vector<Index> dirty_classes_;
    TimerHeap class_timers_;  ///< when a hold of a class ends
    std::vector<AnswersToCome> to_come_;
    TimePoint next_upkeep_;
    TimePoint next_check_ = kNever;  ///< of lanes that may be overdue
    bool has_images_ = false;        ///< some instance is part of an image
    bool has_tiers_ = false;         ///< calls of different tiers were seen
    std::optional<Tier> seen_tier_;
    std::uint64_t random_;
    std::uint64_t next_batch_ = 0;
    std::uint64_t given_up_ = 0;  ///< calls so far: candidates from before may be stale
    bool is_draining_ = false;
};

/// Why a call is not taken; ok: it is.
struct Scheduler::Impl::Fault {
    Status status;
    RejectReason reason = RejectReason::invalid;
};

/// A batch as it could be formed now.
struct Scheduler::Impl::Plan {
    std::size_t line = 0;         ///< of the queue, as long as no call is given up
    Index first = kNone;          ///< the piece it begins with
    std::uint64_t available = 0;  ///< rows from there on, those of lower tiers included
    std::uint64_t skipped = 0;    ///< rows before it that are left behind, and lost
    std::uint32_t rows = 0;
    bool is_stale = false;  ///< the lines may have changed while it was made
    CloseReason closed_by = CloseReason::queue;
};

/// What a lane could run next.
struct Scheduler::Impl::Candidate {
    Index model = kNone;
    Index lane = kNone;
    Tier tier = 0;
    ShapeClass shape = 0;     ///< of its rows; 0 for suspects
    bool is_suspect = false;  ///< suspects go first: somebody waits for them twice already
    double score = 0;
    Plan plan;
};

}  // namespace bunch
