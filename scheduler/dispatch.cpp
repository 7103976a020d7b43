// What is decided: who is rejected, and which lane gets which batch.
#include <algorithm>
#include <chrono>
#include <utility>

#include "scheduler/scheduler_impl.h"

namespace bunch {
namespace {

constexpr double kMeanRunGain = 0.05;  // of the newest batch

/// Whether `a` goes before `b` on a device.
template <typename Candidate>
bool goes_before(const Candidate& a, const Candidate& b) {
    if (a.is_suspect != b.is_suspect) return a.is_suspect;
    if (a.tier != b.tier) return a.tier < b.tier;
    return a.score > b.score;
}

}  // namespace

void Scheduler::Impl::decide(std::vector<Decision>& out) {
    elsewhere_.model = kNone;
    reject_expired();
    reject_where_no_device();
    if (now_ >= next_upkeep_) upkeep(out);
    for (Index lane = pool_.wake(now_); lane != kNone; lane = pool_.wake(now_))
        mark_class(pool_.lane_at(lane).device_class);
    while (!class_timers_.empty() && class_timers_.first_time() <= now_) {
        const Index device_class = class_timers_.first();
        class_timers_.remove(device_class);
        mark_class(device_class);
    }
    for (std::size_t i = 0; i < dirty_classes_.size(); ++i) {
        pool_.class_at(dirty_classes_[i]).is_dirty = false;
        serve_class(dirty_classes_[i], out);
    }
    dirty_classes_.clear();
    for (std::size_t i = 0; i < dirty_models_.size(); ++i) {
        models_[dirty_models_[i]].is_dirty = false;
        serve_model(dirty_models_[i], out);
        retire_if_unused(dirty_models_[i]);
    }
    dirty_models_.clear();
    for (Reject& reject : rejects_) out.emplace_back(std::move(reject));
    rejects_.clear();
}

void Scheduler::Impl::reject_expired() {
    while (const std::optional<CallId> id = expiry_.pop(now_)) {
        const Index call = calls_.find(*id);
        if (call == kNone || calls_[call].queued_rows == 0) continue;
        if (calls_[call].hard_deadline() > now_) continue;
        const auto waited =
            std::chrono::duration_cast<std::chrono::microseconds>(now_ - calls_[call].arrival);
        end_call(call,
                 deadline_exceeded("the deadline passed after " + std::to_string(waited.count()) +
                                   " us in the queue"),
                 RejectReason::expired);
    }
    expiry_.prune(calls_.waiting(), [this](CallId id) {
        const Index call = calls_.find(id);
        return call != kNone && calls_[call].queued_rows > 0;
    });
}

void Scheduler::Impl::reject_where_no_device() {
    for (const Index index : dead_models_) {
        ModelRecord& model = models_[index];
        if (model.queue.empty()) continue;
        if (!model.is_expected)
            reject_all_waiting(model, unavailable("model '" + model.policy.name +
                                                  "': no device is left that could run it"));
        else if (now_ >= saturating_add(model.dead_since, config_.unavailable_after))
            reject_all_waiting(model, unavailable("model '" + model.policy.name +
                                                  "': its device did not come back in time"));
    }
}

void Scheduler::Impl::serve_class(Index device_class, std::vector<Decision>& out) {
    while (serve_best(device_class, LaneState::due, out)) {
    }
    while (serve_best(device_class, LaneState::waiting, out)) {
    }
    rearm(device_class);
}

bool Scheduler::Impl::serve_best(Index device_class, LaneState state, std::vector<Decision>& out) {
    ClassRecord& record = pool_.class_at(device_class);
    if (record.list(state).empty()) return false;
    const std::uint64_t given_up = given_up_;
    std::optional<Candidate> best;
    for (const Index index : record.models) {
        for (ClassUse& use : models_[index].uses) {
            if (use.device_class != device_class) continue;
            const std::optional<Candidate> one = evaluate(index, use, state, 0);
            if (one && (!best || goes_before(*one, *best))) best = one;
        }
    }
    if (!best) return false;
    if (has_tiers_ && !best->is_suspect) give_lower_tier(device_class, state, *best);
    if (given_up_ != given_up) return true;  // the best may count on a call that has ended since
    dispatch(*best, out);
    return true;
}

/// Higher tiers go first, but while others wait they are given their minimum share of the time.
void Scheduler::Impl::give_lower_tier(Index device_class, LaneState state, Candidate& best) {
    ClassRecord& record = pool_.class_at(device_class);
    std::optional<Candidate> lower;
    for (const Index index : record.models) {
        for (ClassUse& use : models_[index].uses) {
            if (use.device_class != device_class) continue;
            const auto least = static_cast<Tier>(best.tier + 1);
            const std::optional<Candidate> one = evaluate(index, use, state, least);
            if (one && (!lower || goes_before(*one, *lower))) lower = one;
        }
    }
    if (!lower) return;
    const auto seconds = [&](const Candidate& one) {
        for (const ClassUse& use : models_[one.model].uses)
            if (use.device_class == device_class)
                return to_seconds(use.curve->run(one.plan.rows, pool_.run_on(one.lane, one.shape)));
        return 0.0;
    };
    const double price = seconds(*lower);
    if (record.lower_credit <= price) {  // also when nothing is known of either
        record.lower_credit += config_.minimum_share * seconds(best);
        return;
    }
    record.lower_credit -= price;
    best = *lower;
}

void Scheduler::Impl::serve_model(Index index, std::vector<Decision>& out) {
    ModelRecord& model = models_[index];
    for (const LaneState state : {LaneState::due, LaneState::waiting}) {
        while (!model.queue.empty()) {
            const std::uint64_t given_up = given_up_;
            std::optional<Candidate> best;
            for (ClassUse& use : model.uses) {
                if (pool_.class_at(use.device_class).list(state).empty()) continue;
                const std::optional<Candidate> one = evaluate(index, use, state, 0);
                if (use.hold_until > now_) rearm(use.device_class);
                if (one && (!best || goes_before(*one, *best))) best = one;
            }
            if (!best) break;
            if (given_up_ != given_up) continue;
            dispatch(*best, out);
        }
    }
}

/// Sets the time at which the first hold of the class ends.
void Scheduler::Impl::rearm(Index device_class) {
    const ClassRecord& record = pool_.class_at(device_class);
    TimePoint next = kNever;
    if (!record.due().empty()) {
        for (const Index index : record.models) {
            if (models_[index].queue.empty()) continue;
            for (const ClassUse& use : models_[index].uses)
                if (use.device_class == device_class && use.hold_until > now_)
                    next = std::min(next, use.hold_until);
        }
    }
    if (next == kNever)
        class_timers_.remove(device_class);
    else
        class_timers_.set(device_class, next);
}

void Scheduler::Impl::dispatch(const Candidate& candidate, std::vector<Decision>& out) {
    ModelRecord& model = models_[candidate.model];
    const Index lane = candidate.lane;
    const Index device = pool_.lane_at(lane).device;
    const InstanceRecord& instance = pool_.instance_at(pool_.instance_on(device, candidate.model));
    // Before the batch counts as one of the lane's.
    const bool was_idle = pool_.lane_at(lane).batches.empty();
    const TimePoint free_at = pool_.lane_at(lane).free_at;
    ClassUse& use = *std::find_if(model.uses.begin(), model.uses.end(), [&](const ClassUse& one) {
        return one.device_class == pool_.lane_at(lane).device_class;
    });
    const BatchId id{next_batch_++};
    InFlight& flight = pool_.batch_at(pool_.add_batch(lane, id, now_));
    flight.model = candidate.model;
    flight.curve = instance.curve;
    flight.is_alone = candidate.is_suspect;
    flight.clients = flight.excess_rows = 0;
    flight.shape = 0;
    CloseReason closed_by = candidate.plan.closed_by;
    const bool is_probe = pool_.lane_at(lane).health != LaneHealth::sound;
    const std::uint32_t limit = is_probe ? 1 : instance.limit;
    if (flight.is_alone) {
        flight.group = model.queue.take_suspects(calls_, limit);
        for (const HeldSlice& held : flight.group.slices) leave_queue(candidate.model, held, lane);
        flight.shape = calls_[flight.group.slices.front().call].ticket.shape_class;
        if (!model.queue.has_suspects()) mark_dirty(candidate.model);  // ordered calls waited
    } else {
        flight.group.lost_alone = 0;
        BatchRules rules;
        rules.limit = limit;
        rules.curve = instance.curve;
        rules.lane_is_idle = was_idle;
        rules.begin = was_idle ? now_ : std::max(now_, free_at);
        flight.shape = model.queue.lines()[candidate.plan.line].shape_class;
        rules.on = pool_.run_on(flight);
        rules.on.shape = instance.curve->settled(flight.shape);
        take_rows(candidate, rules, flight);
        if (use.hold_since != TimePoint() && closed_by == CloseReason::queue)
            closed_by = CloseReason::waited;
        use.hold_since = use.hold_until = TimePoint();
    }
    flight.rows = flight.group.rows();
    flight.begin = saturating_add(now_, instance.curve->copy(flight.rows));
    ++model.batches_in_flight;
    model.rows_in_flight += flight.rows;
    pool_.refresh(lane, now_);

    Batch batch{id, model.policy.model, instance.info.instance, pool_.lane_at(lane).id, flight.rows,
                {}};
    if (!spare_slices_.empty()) {
        batch.slices = std::move(spare_slices_.back());
        spare_slices_.pop_back();
    }
    for (const HeldSlice& held : flight.group.slices) batch.slices.push_back(held.slice);
    const Duration predicted = instance.curve->run(flight.rows, pool_.run_on(flight));
    double& mean_run = pool_.class_at(use.device_class).mean_run;
    mean_run += kMeanRunGain * (to_seconds(predicted) - mean_run);
    watch_lane(lane);
    out.emplace_back(Dispatch{std::move(batch), closed_by, predicted});
}

void Scheduler::Impl::take_rows(const Candidate& candidate, const BatchRules& rules,
                                InFlight& into) {
    ModelRecord& model = models_[candidate.model];
    const bool one_call = model.is_one_call_per_batch();
    BatchFormer former(rules, candidate.plan.rows);
    const std::vector<Line>& lines = model.queue.lines();
    const ShapeClass shape = lines[candidate.plan.line].shape_class;
    for (std::size_t line = candidate.plan.line; line < lines.size() && !former.is_full(); ++line) {
        if (lines[line].shape_class != shape) continue;
        const bool only_fills = line != candidate.plan.line;
        Index piece = only_fills ? lines[line].head : candidate.plan.first;
        std::uint64_t walked = 0;
        while (piece != kNone && !former.is_full() && ++walked <= kMostWalked * rules.limit) {
            const Piece here = calls_.piece(piece);
            const OpenCall& call = calls_[here.call];
            const TimePoint deadline = one_call ? kNever : here.deadline;
            const std::uint32_t rows = may_go(model, here.call, into.lane)
                                           ? former.offer(here.rows, deadline, only_fills)
                                           : 0;
            if (rows > 0) {
                into.group.slices.push_back(model.queue.take(calls_, line, piece, rows));
                if (call.ticket.client.value != 0) ++into.clients;
                if (is_excess(lines[line].tier)) into.excess_rows += rows;
                leave_queue(candidate.model, into.group.slices.back(), into.lane);
                if (one_call) return;
            }
            piece = here.after;
        }
        if (one_call) return;
    }
}

/// Rows of a call have gone from the queue to the lane.
void Scheduler::Impl::leave_queue(Index model, const HeldSlice& held, Index lane) {
    if (held.client.value == 0) return;
    order_.went(model, held.client, lane);
    if (calls_[held.call].queued_rows == 0) order_.waits_no_more(calls_, model, held.call);
}

std::optional<TimePoint> Scheduler::Impl::next_wakeup() const {
    if (!rejects_.empty() || !dirty_models_.empty() || !dirty_classes_.empty()) return now_;
    std::optional<TimePoint> next = expiry_.next();
    const auto consider = [&](TimePoint candidate) {
        if (candidate != kNever && (!next || candidate < *next)) next = candidate;
    };
    for (const Index index : dead_models_) {
        const ModelRecord& model = models_[index];
        if (!model.queue.empty())
            consider(saturating_add(model.dead_since, config_.unavailable_after));
    }
    if (calls_.waiting() > 0) {
        if (const std::optional<TimePoint> wake = pool_.next_wake()) consider(*wake);
        if (!class_timers_.empty()) consider(class_timers_.first_time());
        if (has_images_) consider(next_upkeep_);
    }
    consider(next_check_ == kNever ? kNever : std::max(next_check_, next_upkeep_));
    return next;
}

}  // namespace bunch
