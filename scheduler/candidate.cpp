// What a lane could run of one model now: how many rows, which are given up, and what it is worth.
// Whether it should already is for holding.cpp.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <tuple>
#include <utility>

#include "scheduler/scheduler_impl.h"

namespace bunch {
namespace {

constexpr double kLeastSlack = 0.01;  // of the objective
constexpr double kSharesBelow = 0.2;  // of that
constexpr double kScarceFrom = 0.6;   // of what a class can give that is used
constexpr double kScarceAt = 0.9;
constexpr double kEasyPower = 0.5;    // of efficiency, when there is more to give
constexpr double kScarcePower = 3.0;  // and when there is not
constexpr double kBusyFrom = 0.8;     // saturation from which on throughput counts

}  // namespace

TimePoint Scheduler::Impl::wanted_by(const ModelRecord& model, const OpenCall& call,
                                     Duration otherwise) const {
    if (model.policy.objective)
        return std::min(call.hard_deadline(),
                        saturating_add(call.arrival, *model.policy.objective));
    if (call.hard_deadline() != kNever) return call.hard_deadline();
    return saturating_add(call.arrival, otherwise);
}

double Scheduler::Impl::load_of(const ClassUse& use) const {
    const double saturation = pool_.class_at(use.device_class).saturation;
    return std::clamp((saturation - kBusyFrom) / (1 - kBusyFrom), 0.0, 1.0);
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

/// The lane of the class where a batch of the model would be through first; equal ones share by
/// lot.
Index Scheduler::Impl::pick_lane(Index model, const ClassUse& use, LaneState state,
                                 bool for_suspects) {
    const std::vector<Index>& lanes = pool_.class_at(use.device_class).list(state);
    if (lanes.empty()) return kNone;
    const std::size_t start =
        lanes.size() == 1
            ? 0
            : static_cast<std::size_t>(next_lot() * static_cast<double>(lanes.size()));
    Index best = kNone;
    TimePoint best_end = kNever;
    for (std::size_t i = 0; i < lanes.size(); ++i) {
        const Index candidate = lanes[(start + i) % lanes.size()];
        const LaneRecord& lane = pool_.lane_at(candidate);
        const Index instance = pool_.instance_on(lane.device, model);
        if (instance == kNone || !pool_.instance_at(instance).is_usable) continue;
        if (for_suspects && !(takes_suspects(lane) && suspects_may_go(models_[model], candidate)))
            continue;
        if (lanes.size() == 1) return candidate;
        const RunOn on = pool_.run_on(candidate);
        const Duration run = use.curve->run(use.wanted_rows, on);
        const TimePoint end = saturating_add(std::max(now_, lane.free_at), run);
        if (best != kNone && end >= best_end) continue;
        best = candidate;
        best_end = end;
        if (lane.batches.empty() && on.others == 0 && on.pace <= 1) break;
    }
    return best;
}

/// The line whose oldest call is wanted first, of the most urgent tier from `least` on; of those
/// that come behind the line `after` if that is one. The number of lines: there is none.
std::size_t Scheduler::Impl::next_line(const ModelRecord& model, Tier least,
                                       std::size_t after) const {
    const std::vector<Line>& lines = model.queue.lines();
    const auto place = [&](std::size_t i) {
        const TimePoint wanted = wanted_by(model, calls_[calls_.piece(lines[i].head).call]);
        return std::tuple(lines[i].tier, wanted, i);
    };
    std::size_t best = lines.size();
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (lines[i].head == kNone || lines[i].tier < least) continue;
        if (best != lines.size() && lines[i].tier != lines[best].tier) break;
        if (after != lines.size() && place(i) <= place(after)) continue;
        if (best == lines.size() || place(i) < place(best)) best = i;
    }
    return best;
}

/// A batch need go no further than what leaves the other lanes their part, and than what is copied
/// by the time the lane is free, where less is as good for the device.
std::uint32_t Scheduler::Impl::share_of(const ClassUse& use, const BatchRules& rules,
                                        std::uint64_t rows) const {
    std::uint64_t share = rules.limit;
    // Where lanes never stand still, they have nothing to share.
    if (use.lanes > 1 && load_of(use) < kSharesBelow)
        share = std::min<std::uint64_t>(share, (rows + use.lanes - 1) / use.lanes);
    if (!rules.lane_is_idle)
        share = std::min<std::uint64_t>(
            share, use.curve->rows_copied_within(rules.begin - now_, rules.limit));
    if (share >= rules.limit) return rules.limit;
    const std::uint64_t enough = use.curve->efficient_rows(rules.limit, rules.on);
    return static_cast<std::uint32_t>(
        std::clamp<std::uint64_t>(std::max(share, enough), 1, rules.limit));
}

/// For a batch of the calls that stand in `line`.
BatchRules Scheduler::Impl::rules_of(const ModelRecord& model, const ClassUse& use, Index index,
                                     std::size_t line) const {
    const LaneRecord& lane = pool_.lane_at(index);
    const Index instance = pool_.instance_on(lane.device, model.index);
    BatchRules rules;
    rules.limit = lane.health == LaneHealth::sound ? pool_.instance_at(instance).limit : 1;
    rules.curve = use.curve;
    rules.lane_is_idle = lane.batches.empty();
    rules.begin = rules.lane_is_idle ? now_ : std::max(now_, lane.free_at);
    rules.on = pool_.run_on(index, use.curve->settled(model.queue.lines()[line].shape_class));
    rules.share =
        std::min(share_of(use, rules, rows_for(model, line)), use.curve->trial_rows(rules.limit));
    return rules;
}

/// When a call of so many rows that begins on another class would be through. Asked for one waiting
/// call after the other, so the last answer is kept until something changes.
TimePoint Scheduler::Impl::end_elsewhere(const ModelRecord& model, const ClassUse& use,
                                         std::uint32_t rows, ShapeClass shape) const {
    const Elsewhere question{now_, next_batch_, model.index, use.device_class, rows, shape, kNever};
    if (elsewhere_.is_same_question(question)) return elsewhere_.end;
    elsewhere_ = question;
    for (const ClassUse& other : model.uses) {
        if (other.device_class == use.device_class) continue;
        const TimePoint begin = pool_.earliest_free(other.device_class, model.index, now_);
        if (begin == kNever) continue;
        const Duration run = other.curve->run(std::min(rows, other.limit),
                                              {other.usual_others, 1, other.curve->settled(shape)});
        elsewhere_.end = std::min(elsewhere_.end, saturating_add(begin, run));
    }
    return elsewhere_.end;
}

/// Ends, or puts behind the others, a call whose deadline no class can meet.
void Scheduler::Impl::give_up(Index model, Index call) {
    OpenCall& record = calls_[call];
    ++given_up_;
    if (record.ticket.late_ok) {
        record.is_late = true;
        models_[model].queue.change_tier(calls_, call, tier_of(record.ticket.priority, true));
        has_tiers_ = true;
        return;
    }
    const auto waited =
        std::chrono::duration_cast<std::chrono::microseconds>(now_ - record.arrival);
    end_call(call,
             deadline_exceeded("no device could meet the deadline any more after " +
                               std::to_string(waited.count()) + " us in the queue"),
             RejectReason::shed);
}

/// The rows that a batch would have. Calls on the way whose deadline nobody can meet are given up,
/// and then the lines may have changed: `first` is kNone, and `is_stale` set.
Scheduler::Impl::Plan Scheduler::Impl::plan_batch(Index index, const ClassUse& use,
                                                  const BatchRules& rules, std::size_t line,
                                                  Index lane) {
    ModelRecord& model = models_[index];
    Plan plan;
    plan.line = line;
    plan.available = rows_for(model, line);
    Index piece = model.queue.lines()[line].head;
    std::uint64_t walked = 0;
    std::uint64_t blocked = 0;
    std::uint32_t limit_rows = 0;  // for which too_early holds
    TimePoint too_early;
    std::uint32_t elsewhere_rows = 0;  // for which elsewhere holds
    TimePoint elsewhere;
    while (piece != kNone) {
        if (walked > kMostWalked * rules.limit || blocked > kMostBlocked) return plan;
        const Piece& here = calls_.piece(piece);
        const TimePoint deadline = here.deadline;
        const std::uint32_t needed = std::min(here.rows, rules.limit);
        const bool may_go = !model.has_order || this->may_go(model, here.call, lane);
        if (needed != limit_rows) {
            limit_rows = needed;
            too_early = rules.hopeless_before(needed);
        }
        if (may_go && deadline >= too_early && rules.rows_by(deadline) >= needed) break;
        ++(may_go ? walked : blocked);
        plan.available -= here.rows;
        piece = here.after;
        if (here.rows != elsewhere_rows) {
            elsewhere_rows = here.rows;
            elsewhere = end_elsewhere(model, use, here.rows, rules.on.shape);
        }
        if (may_go && elsewhere > deadline) {
            // With it go its other pieces, which stand behind this one.
            const Index call = here.call;
            for (; piece != kNone && calls_.piece(piece).call == call;
                 piece = calls_.piece(piece).after)
                plan.available -= calls_.piece(piece).rows;
            const bool moves = calls_[call].ticket.late_ok;
            give_up(index, call);
            plan.is_stale = true;
            if (moves) return plan;
        }
    }
    plan.first = piece;
    if (piece == kNone) return plan;
    size_batch(model, use, rules, lane, plan);
    return plan;
}

/// All rows that could join a batch of the line: its own, and those of later tiers.
std::uint64_t Scheduler::Impl::rows_for(const ModelRecord& model, std::size_t line) const {
    const std::vector<Line>& lines = model.queue.lines();
    if (!has_tiers_) return lines[line].rows;
    std::uint64_t rows = 0;
    for (std::size_t i = line; i < lines.size(); ++i)
        if (lines[i].shape_class == lines[line].shape_class) rows += lines[i].rows;
    return rows;
}

void Scheduler::Impl::size_batch(const ModelRecord& model, const ClassUse& use,
                                 const BatchRules& rules, Index lane, Plan& plan) const {
    const Piece& piece = calls_.piece(plan.first);
    if (model.is_one_call_per_batch()) {
        plan.rows = std::min(piece.rows, rules.limit);
        plan.closed_by = CloseReason::alone;
        return;
    }
    const OpenCall& oldest = calls_[piece.call];
    std::uint32_t cap = std::min(rules.limit, rules.share);
    plan.closed_by = cap < rules.limit ? CloseReason::share : CloseReason::limit;
    const Line& own = model.queue.lines()[plan.line];
    if (has_tiers_ && !is_excess(own.tier) && own.rows < cap) {
        const double filled = fair_.fill() * static_cast<double>(cap - own.rows);
        const auto rows = static_cast<std::uint32_t>(static_cast<double>(own.rows) + filled);
        if (rows < cap) plan.closed_by = CloseReason::share;
        cap = std::max(1u, rows);
    }
    if (model.policy.objective && !oldest.is_late) {
        // An objective may cost half the batch at most: beyond that the queue grows, and every
        // later call misses its objective too.
        const std::uint32_t fits =
            rules.rows_by(saturating_add(oldest.arrival, *model.policy.objective));
        if (fits < cap && fits >= std::max(1u, cap / 2)) {
            cap = fits;
            plan.closed_by = CloseReason::deadline;
        }
    }
    const TimePoint deadline = oldest.hard_deadline();
    const auto could = static_cast<std::uint32_t>(std::min<std::uint64_t>(cap, plan.available));
    plan.rows = could;
    if (deadline != kNever) plan.rows = std::min(could, std::max(1u, rules.rows_by(deadline)));
    if (plan.rows < could) {
        plan.closed_by = CloseReason::deadline;
        consider_shedding(model, use, rules, lane, cap, plan);
    } else if (plan.rows < cap) {
        plan.closed_by = CloseReason::queue;
    }
}

/// The oldest deadline keeps the batch small. Leaving the oldest calls behind, which then are lost
/// unless another class is in time for them, may be worth the larger batch.
void Scheduler::Impl::consider_shedding(const ModelRecord& model, const ClassUse& use,
                                        const BatchRules& rules, Index lane, std::uint32_t cap,
                                        Plan& plan) const {
    const double load = load_of(use);
    if (load <= 0) return;
    const std::uint32_t want = std::min(use.wanted_rows, cap);
    const auto worth = [&](std::uint32_t rows, std::uint64_t skipped) {
        return worth_of_batch(load, rows, static_cast<double>(skipped), use.usual_rate,
                              use.curve->run(rows, rules.on));
    };
    Plan best = plan;
    double most = worth(plan.rows, 0);
    Plan here = plan;
    std::uint64_t walked = 0;
    std::uint32_t limit_rows = 0;  // for which too_early holds
    TimePoint too_early;
    for (const std::uint32_t target : {want / 4, want / 2, want}) {
        if (target <= plan.rows) continue;
        std::uint32_t fits = 0;
        while (here.first != kNone && walked <= kMostWalked * rules.limit) {
            const Piece& piece = calls_.piece(here.first);
            const TimePoint deadline = piece.deadline;
            const auto wanted =
                static_cast<std::uint32_t>(std::min<std::uint64_t>(target, here.available));
            if (wanted != limit_rows) {
                limit_rows = wanted;
                too_early = rules.hopeless_before(wanted);
            }
            fits = deadline < too_early ? 0 : rules.rows_by(deadline);
            const bool may_go = !model.has_order || this->may_go(model, piece.call, lane);
            if (may_go && fits >= wanted && fits >= std::min(piece.rows, rules.limit)) break;
            ++walked;
            if (may_go && end_elsewhere(model, use, piece.rows, rules.on.shape) > deadline)
                here.skipped += piece.rows;
            here.available -= piece.rows;
            here.first = piece.after;
        }
        if (here.first == kNone || walked > kMostWalked * rules.limit) break;
        here.rows =
            static_cast<std::uint32_t>(std::min<std::uint64_t>({fits, cap, here.available}));
        const double value = worth(here.rows, here.skipped);
        if (value <= most) continue;
        most = value;
        best = here;
    }
    plan = best;
}

std::optional<Scheduler::Impl::Candidate> Scheduler::Impl::suspects_of(Index index,
                                                                       const ClassUse& use) {
    const Index lane = pick_lane(index, use, LaneState::due, true);
    if (lane == kNone) return std::nullopt;
    Candidate candidate;
    candidate.model = index;
    candidate.lane = lane;
    candidate.is_suspect = true;
    candidate.plan.closed_by = CloseReason::alone;
    return candidate;
}

std::optional<Scheduler::Impl::Candidate> Scheduler::Impl::evaluate(Index index, ClassUse& use,
                                                                    LaneState state, Tier least) {
    ModelRecord& model = models_[index];
    if (model.queue.empty()) return std::nullopt;
    const bool only_full = state == LaneState::waiting;
    if (!only_full && model.queue.has_suspects())
        if (auto suspects = suspects_of(index, use)) return suspects;
    if (use.hold_until > now_ && !only_full) return std::nullopt;
    const Index lane = pick_lane(index, use, state, false);
    if (lane == kNone) return std::nullopt;
    Candidate candidate;
    BatchRules rules;
    std::size_t line = model.queue.lines().size();
    do {
        line = next_line(model, least, candidate.plan.is_stale ? model.queue.lines().size() : line);
        if (line == model.queue.lines().size()) return std::nullopt;
        rules = rules_of(model, use, lane, line);
        if (only_full && rows_for(model, line) < rules.limit && !model.is_one_call_per_batch())
            return std::nullopt;
        candidate.plan = plan_batch(index, use, rules, line, lane);
    } while (candidate.plan.first == kNone);
    Plan& plan = candidate.plan;
    if (only_full && plan.rows < rules.limit && !model.is_one_call_per_batch()) return std::nullopt;
    if (leaves_to_better_class(model, use, rules, plan)) return std::nullopt;
    if (!only_full && waits_for_more(index, use, rules, plan, lane)) return std::nullopt;
    if (keeps_clear(model, use, rules, plan, lane)) return std::nullopt;
    candidate.model = index;
    candidate.lane = lane;
    candidate.tier = model.queue.lines()[plan.line].tier;
    candidate.shape = model.queue.lines()[plan.line].shape_class;
    candidate.score = score_of(model, use, rules, plan);
    return candidate;
}

/// Whether the order of its client's calls lets a call go to the lane.
bool Scheduler::Impl::may_go(const ModelRecord& model, Index call, Index lane) const {
    if (!model.has_order) return true;
    const OpenCall& record = calls_[call];
    if (!record.is_ordered) return true;
    return !model.queue.has_suspects() &&
           order_.may_go(model.index, record.ticket.client, call, lane);
}

bool Scheduler::Impl::suspects_may_go(const ModelRecord& model, Index lane) const {
    const std::vector<HeldSlice>& slices = model.queue.first_suspects().slices;
    return std::all_of(slices.begin(), slices.end(), [&](const HeldSlice& held) {
        return held.client.value == 0 || order_.is_not_elsewhere(model.index, held.client, lane);
    });
}

/// How well the class is used, over how much time is left. Less than a usual turn of the class is
/// no time: this is the last chance. Where nearly all that the class can give is used, efficiency
/// counts for more than order.
double Scheduler::Impl::score_of(const ModelRecord& model, const ClassUse& use,
                                 const BatchRules& rules, const Plan& plan) const {
    const OpenCall& oldest = calls_[calls_.piece(plan.first).call];
    const ClassRecord& record = pool_.class_at(use.device_class);
    const TimePoint wanted = wanted_by(model, oldest, use.usual_objective);
    const double turn = record.mean_run / static_cast<double>(record.lanes);
    const double slack =
        to_seconds(wanted - rules.begin - use.curve->cautious_run(plan.rows, rules.on)) - turn;
    const double whole = to_seconds(std::max(wanted - oldest.arrival, Duration(1)));
    // Trial batches are small, but what they teach is worth more. Long rows are not to blame for
    // it.
    const double efficiency =
        use.curve->known() && use.curve->is_tried() && model.attainable_rate > 0
            ? use.curve->rate(plan.rows, {rules.on.others, rules.on.pace}) / model.attainable_rate
            : 1;
    const double scarcity =
        std::clamp((record.usefulness - kScarceFrom) / (kScarceAt - kScarceFrom), 0.0, 1.0);
    return std::pow(efficiency, kEasyPower + scarcity * (kScarcePower - kEasyPower)) /
           std::clamp(slack / whole, kLeastSlack, 1.0);
}

}  // namespace bunch
