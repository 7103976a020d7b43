// What is decided: who is rejected, and which lane gets which batch.
#include <algorithm>
#include <chrono>
#include <limits>
#include <tuple>
#include <utility>

#include "scheduler/scheduler_impl.h"

namespace bunch {
namespace {

/// How soon a call without deadline and objective should be answered, as far as order goes.
constexpr Duration kUsualObjective = std::chrono::milliseconds(100);

TimePoint deadline_of(const Ticket& ticket) {
    return ticket.late_ok ? kNever : ticket.deadline;
}

}  // namespace

/// What goes first on a device: less is more urgent.
struct Scheduler::Impl::Urgency {
    bool is_usual = true;  ///< suspects go first: somebody waits for them twice already
    std::uint8_t priority = 0;
    TimePoint wanted;
    std::uint64_t sequence = 0;

    friend bool operator<(const Urgency& a, const Urgency& b) {
        return std::tie(a.is_usual, a.priority, a.wanted, a.sequence) <
               std::tie(b.is_usual, b.priority, b.wanted, b.sequence);
    }
};

/// What a lane would run next.
struct Scheduler::Impl::Choice {
    Index instance = kNone;
    std::size_t line = 0;
    Urgency urgency;
};

void Scheduler::Impl::decide(std::vector<Decision>& out) {
    reject_expired();
    reject_where_no_device();
    for (Reject& reject : rejects_) out.emplace_back(std::move(reject));
    rejects_.clear();
    for (Index lane = pool_.wake(now_); lane != kNone; lane = pool_.wake(now_))
        dirty_lanes_.push_back(lane);
    fill_dirty_lanes(out);
    place_dirty_models(out);
}

void Scheduler::Impl::reject_expired() {
    while (const std::optional<CallId> id = expiry_.pop(now_)) {
        const Index call = calls_.find(*id);
        if (call == kNone || calls_[call].queued_rows == 0) continue;
        if (deadline_of(calls_[call].ticket) > now_) continue;
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

void Scheduler::Impl::fill_dirty_lanes(std::vector<Decision>& out) {
    for (const Index lane : dirty_lanes_) {
        while (takes_batches(lane)) {
            const Choice choice = most_urgent(pool_.lane_at(lane));
            if (choice.instance == kNone) break;
            // Another lane that is due may be the better place for what this one would run.
            const bool is_due = pool_.lane_at(lane).state == LaneState::due;
            const bool is_alone = pool_.due_lanes() == (is_due ? 1u : 0u);
            const Index model = pool_.instance_at(choice.instance).model;
            if (!fill(is_alone ? lane : best_lane(models_[model]), out)) break;
        }
    }
    dirty_lanes_.clear();
}

void Scheduler::Impl::place_dirty_models(std::vector<Decision>& out) {
    for (const Index index : dirty_models_) {
        ModelRecord& model = models_[index];
        model.is_dirty = false;
        while (!model.queue.empty()) {
            const bool full = is_full(model, model.queue.longest_line(), model.smallest_limit);
            if ((full ? pool_.open_lanes() : pool_.due_lanes()) == 0) break;
            if (model.fruitless_at == pool_.openings() && (model.fruitless_full || !full)) break;
            if (!fill(best_lane(model), out)) {
                if (model.queue.has_suspects())
                    break;  // a lane that takes none may take a new call
                model.fruitless_at = pool_.openings();
                model.fruitless_full = full;
                break;
            }
        }
        retire_if_unused(index);
    }
    dirty_models_.clear();
}

bool Scheduler::Impl::is_full(const ModelRecord& model, std::uint64_t rows,
                              std::uint32_t limit) const {
    return rows > 0 && (rows >= limit || model.is_one_call_per_batch());
}

/// Whether a suspect batch may be bound to the lane: not while another lane of its device has one.
/// A runner that dies takes all its lanes with it, and the second would be blamed for the first.
bool Scheduler::Impl::takes_suspects(const LaneRecord& lane) const {
    for (const Index other : pool_.device_at(lane.device).lanes) {
        const LaneRecord& record = pool_.lane_at(other);
        if (record.id == lane.id) continue;
        for (const Index batch : record.batches)
            if (pool_.batch_at(batch).is_alone) return false;
    }
    return true;
}

/// The lane where the oldest rows of the model would be through first, among those that take it
/// now; equal ones share by lot.
Index Scheduler::Impl::best_lane(const ModelRecord& model) {
    const std::uint64_t rows = model.queue.longest_line();
    Index best = kNone;
    TimePoint best_end = kNever;
    std::uint64_t equals = 0;
    for (const Index i : model.instances) {
        const InstanceRecord& instance = pool_.instance_at(i);
        if (!instance.is_usable) continue;
        const auto batch =
            static_cast<std::uint32_t>(std::min<std::uint64_t>(rows, instance.limit));
        const Duration run = instance.curve->run(batch);
        const bool full = is_full(model, rows, instance.limit);
        for (const Index l : pool_.device_at(instance.device).lanes) {
            const LaneRecord& lane = pool_.lane_at(l);
            if (lane.state != LaneState::due && !(full && lane.state == LaneState::waiting))
                continue;
            if (rows == 0 && !takes_suspects(lane)) continue;  // there are only suspects
            const TimePoint end = saturating_add(std::max(now_, lane.free_at), run);
            if (end > best_end) continue;
            equals = end < best_end ? 1 : equals + 1;
            random_ = random_ * 6364136223846793005u + 1442695040888963407u;
            if ((random_ >> 33) % equals != 0) continue;
            best = l;
            best_end = end;
        }
    }
    return best;
}

bool Scheduler::Impl::takes_batches(Index lane) const {
    const LaneState state = pool_.lane_at(lane).state;
    return state == LaneState::due || state == LaneState::waiting;
}

bool Scheduler::Impl::fill(Index lane, std::vector<Decision>& out) {
    if (lane == kNone || !takes_batches(lane)) return false;
    const Choice choice = most_urgent(pool_.lane_at(lane));
    if (choice.instance == kNone) return false;
    const InstanceRecord& instance = pool_.instance_at(choice.instance);
    Batch batch = form(lane, choice);
    const Duration predicted = instance.curve->run(batch.rows);
    out.emplace_back(Dispatch{std::move(batch), CloseReason::queue, predicted});
    return true;
}

Scheduler::Impl::Choice Scheduler::Impl::most_urgent(const LaneRecord& lane) const {
    Choice best;
    for (const Index i : pool_.device_at(lane.device).instances) {
        const InstanceRecord& instance = pool_.instance_at(i);
        const ModelRecord& model = models_[instance.model];
        if (!instance.is_usable || model.queue.empty()) continue;
        std::size_t line = 0;
        const std::optional<Urgency> urgency = urgency_of(model, instance, lane, line);
        if (!urgency || (best.instance != kNone && !(*urgency < best.urgency))) continue;
        best = {i, line, *urgency};
    }
    return best;
}

std::optional<Scheduler::Impl::Urgency> Scheduler::Impl::urgency_of(const ModelRecord& model,
                                                                    const InstanceRecord& instance,
                                                                    const LaneRecord& lane,
                                                                    std::size_t& line) const {
    const bool only_full = lane.state == LaneState::waiting;
    const auto urgency = [&](const OpenCall& call, bool is_usual) {
        const Duration objective = model.policy.objective.value_or(kUsualObjective);
        return Urgency{is_usual, call.ticket.priority,
                       std::min(deadline_of(call.ticket), saturating_add(call.arrival, objective)),
                       call.sequence};
    };
    if (model.queue.has_suspects() && !only_full && takes_suspects(lane))
        return urgency(calls_[model.queue.first_suspects().slices.front().call], false);
    std::optional<Urgency> best;
    for (std::size_t i = 0; i < model.queue.lines().size(); ++i) {
        const Line& candidate = model.queue.lines()[i];
        if (candidate.head == kNone) continue;
        if (only_full && !is_full(model, candidate.rows, instance.limit)) continue;
        const Urgency one = urgency(calls_[calls_.piece(candidate.head).call], true);
        if (best && !(one < *best)) continue;
        best = one;
        line = i;
    }
    return best;
}

Batch Scheduler::Impl::form(Index lane, const Choice& choice) {
    const InstanceRecord& instance = pool_.instance_at(choice.instance);
    ModelRecord& model = models_[instance.model];
    const BatchId id{next_batch_++};
    const Index index = pool_.add_batch(lane, id);
    InFlight& flight = pool_.batch_at(index);
    flight.model = instance.model;
    flight.curve = instance.curve;
    flight.is_alone = !choice.urgency.is_usual;
    if (flight.is_alone) {
        flight.group = model.queue.take_suspects(calls_, instance.limit);
    } else {
        flight.group.lost_alone = 0;
        take_line(model, instance, pool_.lane_at(lane), choice.line, flight.group);
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
    return batch;
}

/// How far a batch should go at most, where less is as good for the device: no further than what
/// leaves the other lanes their part, and than what is copied by the time the lane is free.
std::uint32_t Scheduler::Impl::share_of(std::uint64_t rows, const InstanceRecord& instance,
                                        const BatchRules& rules) const {
    std::uint64_t share = (rows + instance.class_lanes - 1) / instance.class_lanes;
    if (!rules.lane_is_idle) {
        const std::uint64_t copied =
            instance.curve->rows_copied_within(rules.begin - now_, instance.limit);
        share = std::min(share, copied);
    }
    const std::uint64_t enough = instance.curve->efficient_rows(instance.limit);
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(std::max(share, enough), instance.limit));
}

void Scheduler::Impl::take_line(ModelRecord& model, const InstanceRecord& instance,
                                const LaneRecord& lane, std::size_t line, SuspectGroup& into) {
    const Line& from = model.queue.lines()[line];
    BatchRules rules;
    rules.limit = rules.share = instance.limit;
    rules.curve = instance.curve;
    // `lane` counts the new batch already, but not its time.
    rules.lane_is_idle = lane.batches.size() == 1;
    rules.begin = rules.lane_is_idle ? now_ : std::max(now_, lane.free_at);
    const bool one_call = model.is_one_call_per_batch();
    if (!one_call) {
        rules.share = share_of(from.rows, instance, rules);
        const OpenCall& oldest = calls_[calls_.piece(from.head).call];
        if (model.policy.objective)
            rules.soft_target = saturating_add(oldest.arrival, *model.policy.objective);
    }
    BatchFormer former(rules);
    while (from.head != kNone) {
        const Piece& piece = calls_.piece(from.head);
        const TimePoint deadline = one_call ? kNever : deadline_of(calls_[piece.call].ticket);
        const std::uint32_t rows = former.offer(piece.rows, deadline);
        if (rows == 0) break;
        into.slices.push_back(model.queue.take(calls_, line, rows));
        if (one_call) break;
    }
}

std::optional<TimePoint> Scheduler::Impl::next_wakeup() const {
    if (!rejects_.empty() || !dirty_models_.empty() || !dirty_lanes_.empty()) return now_;
    std::optional<TimePoint> next = expiry_.next();
    const auto consider = [&](TimePoint candidate) {
        if (candidate != kNever && (!next || candidate < *next)) next = candidate;
    };
    for (const Index index : dead_models_) {
        const ModelRecord& model = models_[index];
        if (!model.queue.empty())
            consider(saturating_add(model.dead_since, config_.unavailable_after));
    }
    const std::optional<TimePoint> wake = pool_.next_wake();
    if (wake && calls_.waiting() > 0) consider(*wake);
    return next;
}

}  // namespace bunch
