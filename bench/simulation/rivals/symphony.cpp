#include "bench/simulation/rivals/symphony.h"

#include <algorithm>

namespace bunch::simulation {
namespace {

/// A batch that may be sent now, or from `opens` on.
struct Candidate {
    Index model = kNone;
    Index lane = kNone;
    std::uint32_t rows = 0;  ///< 0: none
    CloseReason reason = CloseReason::waited;
    TimePoint opens;
    TimePoint latest = kNever;
};

class Symphony final : public Rule {
  public:
    explicit Symphony(const SymphonySettings& settings) : settings_(settings) {}

    void decide(Pool& pool, std::vector<Decision>& out) override {
        for (std::size_t i = pool.waiting().size(); i-- > 0;)
            drop_doomed(pool, pool.waiting()[i], out);
        while (true) {
            next_.reset();
            Candidate best;
            for (const Index model : pool.waiting()) consider(pool, model, best);
            if (best.rows == 0) return;
            pool.dispatch(best.lane, best.model, best.rows, best.reason, out);
        }
    }

    std::optional<TimePoint> next_wakeup(const Pool&) const override { return next_; }

  private:
    /// The class whose profile stands for all devices.
    static Index main_class(const Pool& pool, Index model) {
        Index best = 0;
        double best_rate = -1;
        for (Index i = 0; i < pool.class_count(); ++i) {
            const std::uint32_t limit = pool.class_limit(i, model);
            if (limit == 0 || pool.lanes_of(i) == 0) continue;
            const double run = std::max(1e-9, to_seconds(pool.run(i, model, limit)));
            const double rate = pool.lanes_of(i) * limit / run;
            if (rate <= best_rate) continue;
            best = i;
            best_rate = rate;
        }
        return best;
    }

    void drop_doomed(Pool& pool, Index model, std::vector<Decision>& out) const {
        pool.drop_before(model, pool.now() + pool.shortest_run(model), out);
        const std::optional<Duration> objective = pool.line(model).policy.objective;
        if (!settings_.early_drop || !objective) return;
        const Index device_class = main_class(pool, model);
        const double lanes = std::max(1u, pool.lanes_of(device_class));
        const Duration longest = from_seconds(to_seconds(*objective) * lanes / (lanes + 1));
        const std::uint32_t target =
            pool.rows_within(device_class, model, longest, pool.class_limit(device_class, model));
        const TimePoint end = pool.now() + pool.run(device_class, model, target);
        while (target > 0 && pool.line(model).rows >= target &&
               pool.line(model).queue.front().deadline < end)
            pool.drop_oldest(model, out);
    }

    /// Finds the model's candidates on the classes that have a free lane.
    void consider(const Pool& pool, Index model, Candidate& best) {
        lanes_.assign(pool.class_count(), kNone);
        for (const Index lane : pool.free_lanes()) {
            if (pool.limit(lane, model) == 0) continue;
            Index& lowest = lanes_[pool.lane(lane).device_class];
            lowest = std::min(lowest, lane);
        }
        for (const Index lane : lanes_) {
            if (lane == kNone) continue;
            const Candidate candidate = candidate_on(pool, lane, model);
            if (candidate.rows == 0) continue;
            if (candidate.opens > pool.now())
                next_ = next_ ? std::min(*next_, candidate.opens) : candidate.opens;
            else if (best.rows == 0 || candidate.latest < best.latest)
                best = candidate;
        }
    }

    Candidate candidate_on(const Pool& pool, Index lane, Index model) const {
        const Pool::Line& line = pool.line(model);
        const Waiting& head = line.queue.front();
        const std::uint32_t limit = pool.limit(lane, model);
        const std::uint32_t each = std::min(limit, head.rows);
        const Index device_class =
            settings_.per_class ? pool.lane(lane).device_class : main_class(pool, model);
        const std::uint32_t most =
            static_cast<std::uint32_t>(std::min<std::uint64_t>(limit, line.rows));
        Candidate candidate{model, lane, most, CloseReason::queue, pool.now(), head.wanted};
        if (line.rows > limit) candidate.reason = CloseReason::limit;
        if (head.wanted == kNever) return candidate;
        const Duration left = head.wanted - pool.begin_on(lane);
        const std::uint32_t fitting = pool.rows_within(device_class, model, left, limit);
        if (fitting < each) return head.deadline == kNever ? candidate : Candidate{};
        candidate.rows = std::min(fitting, most);
        candidate.latest = head.wanted - pool.run(device_class, model, candidate.rows);
        if (candidate.rows == limit) return candidate;  // it cannot grow
        if (line.rows > fitting) {
            candidate.reason = CloseReason::deadline;
            return candidate;
        }
        candidate.reason = CloseReason::waited;
        candidate.opens = std::max(
            pool.now(), head.wanted - pool.run(device_class, model, candidate.rows + each));
        return candidate;
    }

    SymphonySettings settings_;
    std::optional<TimePoint> next_;
    std::vector<Index> lanes_;  ///< by class, the lowest that is free
};

}  // namespace

std::unique_ptr<Rule> make_symphony(const SymphonySettings& settings) {
    return std::make_unique<Symphony>(settings);
}

}  // namespace bunch::simulation
