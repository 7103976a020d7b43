// Why a lane does not begin yet with what it could run: another class would be through sooner, rows
// are about to come, or calls of other models could not wait until it is through.
#include <algorithm>
#include <chrono>

#include "scheduler/scheduler_impl.h"
#include "scheduler/waiting.h"

namespace bunch {
namespace {

constexpr Duration kShortestHold = std::chrono::microseconds(50);
constexpr Duration kLeastFixed = std::chrono::microseconds(20);  // less is not worth waiting for
constexpr double kClearlyFaster = 1.05;  // a class, to count as the better one
constexpr double kLateEnough = 0.8;      // of the time to the deadline, where a class is scarce
constexpr double kSpreads = 1.5;         // that a run may take longer than expected
constexpr int kLongestWait = 2;          // times the fixed time of a run
constexpr int kRunsBetween = 2;          // of other models, that a wait leaves time for
constexpr double kTooDear = 0.2;         // rows lost for one that begins at once

}  // namespace

/// Seconds of one lane of the class that waiting calls of other models would take which it is the
/// best class for.
double Scheduler::Impl::backlog_of(Index device_class, Index but) const {
    double seconds = 0;
    for (const Index index : pool_.class_at(device_class).models) {
        if (index == but) continue;
        const ModelRecord& model = models_[index];
        if (model.queue.empty()) continue;
        const ClassUse* best = model.best_use();
        if (best != nullptr && best->device_class == device_class)
            seconds += static_cast<double>(model.queue.rows()) / best->usual_rate;
    }
    return seconds;
}

/// A class that is slower than another one only gets what it finishes before the other would, or in
/// time at least where the other has too much to do. Cuts the plan to that; whether nothing is left
/// of it.
bool Scheduler::Impl::leaves_to_better_class(const ModelRecord& model, ClassUse& use,
                                             const BatchRules& rules, Plan& plan) {
    TimePoint sooner = kNever;
    TimePoint next_free = kNever;
    double scarce = 0;  // how much others need the class that would be through sooner
    for (const ClassUse& other : model.uses) {
        if (other.usual_rate <= kClearlyFaster * use.usual_rate || !use.curve->is_tried()) continue;
        const TimePoint free = pool_.earliest_free(other.device_class, model.index, now_);
        if (free == kNever) continue;
        const double own = static_cast<double>(model.queue.rows() - plan.rows) / other.usual_rate;
        const double lanes = std::max(1u, other.lanes);
        const Duration backlog =
            from_seconds((backlog_of(other.device_class, model.index) + own) / lanes);
        const RunOn on{other.usual_others, 1, other.curve->settled(rules.on.shape)};
        const Duration run = other.curve->run(std::min(plan.rows, other.limit), on);
        const TimePoint there = saturating_add(free, backlog + run);
        if (there < sooner) scarce = load_of(other);
        sooner = std::min(sooner, there);
        next_free = std::min(next_free, free);
    }
    if (sooner == kNever) return false;
    if (model.policy.objective) {
        const TimePoint wanted = wanted_by(model, calls_[calls_.piece(plan.first).call]);
        const Duration spread =
            use.curve->cautious_run(plan.rows, rules.on) - use.curve->run(plan.rows, rules.on);
        const double spare = to_seconds(wanted - sooner) - kSpreads * to_seconds(spread);
        if (spare > 0) sooner += from_seconds(kLateEnough * scarce * spare);
    }
    while (plan.rows > 1 && rules.begin + use.curve->run(plan.rows, rules.on) > sooner) {
        plan.rows /= 2;
        plan.closed_by = CloseReason::share;
    }
    if (rules.begin + use.curve->run(plan.rows, rules.on) <= sooner) return false;
    use.hold_until = std::max(next_free, now_ + kShortestHold);
    return true;
}

/// Clients that will be answered by what runs now.
void Scheduler::Impl::list_answers_to_come() {
    constexpr std::size_t kMostLanes = 64;
    to_come_.clear();
    if (pool_.lanes().size() > kMostLanes) return;
    for (const Index index : pool_.lanes()) {
        const LaneRecord& lane = pool_.lane_at(index);
        if (lane.batches.empty()) continue;
        const InFlight& batch = pool_.batch_at(lane.batches.front());
        if (batch.clients == 0) continue;
        const TimePoint end = batch.begin + batch.curve->run(batch.rows, pool_.run_on(batch));
        to_come_.push_back({batch.model, std::max(end, now_), batch.clients});
    }
}

bool Scheduler::Impl::waits_for_more(Index index, ClassUse& use, const BatchRules& rules,
                                     const Plan& plan, Index lane) {
    ModelRecord& model = models_[index];
    const Duration fixed = use.curve->fixed(rules.on.shape);
    if (plan.rows < model.queue.rows() || plan.rows >= std::min(rules.limit, rules.share) ||
        fixed < kLeastFixed || pool_.lane_at(lane).health != LaneHealth::sound)
        return false;
    const bool is_last = pool_.class_at(use.device_class).due().size() == 1;
    const bool expects = returns_.expects(index);
    const double rate = is_last && rules.lane_is_idle ? model.unexpected.per_second(now_) : 0;
    if (!expects && rate <= 0) return false;
    const Duration free_in = rules.begin - now_;
    const Duration waited =
        use.hold_since == TimePoint() ? Duration::zero() : now_ - use.hold_since;
    WaitingCase here;
    here.rows = plan.rows;
    here.saturation = load_of(use);
    here.fixed = fixed;
    here.per_row = to_seconds(use.curve->run(plan.rows, rules.on) - fixed) / plan.rows;
    here.next_chance = use.curve->run(plan.rows, rules.on);
    here.longest = kLongestWait * fixed - waited;
    const OpenCall& oldest = calls_[calls_.piece(plan.first).call];
    if (const TimePoint wanted = wanted_by(model, oldest); wanted != kNever) {
        // Another model may take the lane in the meantime.
        const ClassRecord& record = pool_.class_at(use.device_class);
        const Duration others =
            from_seconds(record.models.size() > 1 ? kRunsBetween * record.mean_run : 0);
        const Duration run = use.curve->cautious_run(plan.rows + 1, rules.on);
        here.longest = std::min(here.longest, wanted - run - others - rules.begin);
    }
    if (expects) {
        list_answers_to_come();
        returns_.look(index, now_, to_come_, outlook_);
    }
    const Duration wait = best_wait(here, [&](Duration w) {
        double rows = rate * to_seconds(w);
        if (expects) rows += model.rows_per_call * outlook_.within(free_in + w);
        return std::min(rows, static_cast<double>(rules.limit - plan.rows));
    });
    if (wait <= Duration::zero()) return false;
    if (use.hold_since == TimePoint()) use.hold_since = now_;
    use.hold_until = now_ + free_in + wait;
    return true;
}

/// A run that leaves no lane of the class for a while is put off, if its own calls can wait for the
/// next lane, while a model that lately lost calls would lose more by it than the run is worth.
bool Scheduler::Impl::keeps_clear(const ModelRecord& model, ClassUse& use, const BatchRules& rules,
                                  const Plan& plan, Index lane) {
    const ClassRecord& record = pool_.class_at(use.device_class);
    if (record.losing.empty() || record.due().size() > 1) return false;
    TimePoint next = kNever;
    for (const LaneState state : {LaneState::due, LaneState::waiting, LaneState::closed})
        for (const Index other : record.list(state))
            if (other != lane) next = std::min(next, pool_.lane_at(other).free_at);
    if (next == kNever || next <= now_) return false;
    const OpenCall& oldest = calls_[calls_.piece(plan.first).call];
    const Duration later = use.curve->cautious_run(std::min(plan.rows + 1, rules.limit), rules.on);
    if (next + later > wanted_by(model, oldest, use.usual_objective)) return false;
    const TimePoint end = rules.begin + use.curve->run(plan.rows, rules.on);
    double lost = 0;
    for (const Index other : record.losing)
        if (other != model.index)
            lost +=
                rows_it_would_cost(models_[other], use.device_class, std::min(next, end) - now_);
    if (lost <= kTooDear * plan.rows) return false;
    use.hold_until = std::max(next, now_ + kShortestHold);
    return true;
}

/// Rows of the model that would come too late if all lanes of the class were taken for that time.
double Scheduler::Impl::rows_it_would_cost(const ModelRecord& model, Index device_class,
                                           Duration blocked) const {
    const double rate = model.arrivals.per_second(now_);
    Duration patience{};
    for (const ClassUse& use : model.uses) {
        if (use.device_class != device_class) continue;
        const double rows = std::clamp(rate * to_seconds(blocked) + 1, 1.0,
                                       static_cast<double>(std::max(1u, use.wanted_rows)));
        patience = *model.policy.objective -
                   use.curve->cautious_run(static_cast<std::uint32_t>(rows), {use.usual_others, 1});
    }
    if (blocked <= patience) return 0;
    for (const ClassUse& use : model.uses)
        if (use.device_class != device_class &&
            pool_.earliest_free(use.device_class, model.index, now_) <= now_ + patience)
            return 0;
    return rate * to_seconds(blocked - std::max(patience, Duration::zero()));
}

}  // namespace bunch
