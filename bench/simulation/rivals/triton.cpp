#include "bench/simulation/rivals/triton.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace bunch::simulation {
namespace {

class Triton final : public Rule {
  public:
    explicit Triton(const TritonSettings& settings) : settings_(settings) {}

    void decide(Pool& pool, std::vector<Decision>& out) override {
        next_.reset();
        reject_timed_out(pool, out);
        while (true) {
            Choice best;
            for (const Index model : pool.waiting()) {
                const Choice choice = ready_batch(pool, model);
                if (choice.rows > 0 && (best.rows == 0 || choice.turn < best.turn)) best = choice;
            }
            if (best.rows == 0) return;
            ++executions(pool, best.lane, best.model);
            pool.dispatch(best.lane, best.model, best.rows, best.reason, out);
        }
    }

    std::optional<TimePoint> next_wakeup(const Pool&) const override { return next_; }

  private:
    struct Choice {
        Index model = kNone;
        Index lane = kNone;
        std::uint32_t rows = 0;
        CloseReason reason = CloseReason::queue;
        std::uint64_t turn = 0;  ///< less is first
    };

    static void reject_timed_out(Pool& pool, std::vector<Decision>& out) {
        for (std::size_t i = pool.waiting().size(); i-- > 0;)
            pool.drop_before(pool.waiting()[i], pool.now() + Duration(1), out);
    }

    std::uint64_t& executions(const Pool& pool, Index lane, Index model) {
        const std::size_t place = std::size_t{pool.lane(lane).device} * pool.model_count() + model;
        if (executions_.size() <= place) executions_.resize(place + 1);
        return executions_[place];
    }

    /// The batch that would be sent now; 0 rows: none.
    Choice ready_batch(const Pool& pool, Index model) {
        Choice best;
        std::uint32_t tried = 0;  // a limit for which nothing is ready
        for (const Index lane : pool.free_lanes()) {
            const std::uint32_t limit = pool.capped_limit(lane, model, settings_.cap);
            if (limit == 0 || limit == tried) continue;
            const std::uint64_t turn = settings_.rate_limiter
                                           ? executions(pool, lane, model)
                                           : pool.line(model).queue.front().sequence;
            if (best.rows > 0 && turn >= best.turn) continue;
            const auto [rows, reason] = batch_for(pool, model, limit);
            if (rows == 0)
                tried = limit;
            else
                best = {model, lane, rows, reason, turn};
        }
        return best;
    }

    std::pair<std::uint32_t, CloseReason> batch_for(const Pool& pool, Index model,
                                                    std::uint32_t limit) {
        const Pool::Line& line = pool.line(model);
        const std::uint32_t preferred =
            std::max(1u, static_cast<std::uint32_t>(std::lround(settings_.preferred * limit)));
        const TimePoint due = line.queue.front().arrival + settings_.delay;
        const bool has_delay = settings_.delay > Duration::zero();
        const bool is_due = has_delay && pool.now() >= due;
        if (!is_due) {
            if (const std::uint32_t rows = preferred_rows(line, preferred); rows > 0)
                return {rows, preferred < limit ? CloseReason::share : CloseReason::limit};
            if (has_delay) {
                next_ = next_ ? std::min(*next_, due) : due;
                return {0, CloseReason::queue};
            }
        }
        return {limit, line.rows > limit ? CloseReason::limit
                       : has_delay       ? CloseReason::waited
                                         : CloseReason::queue};
    }

    /// The rows of the first requests that make the preferred size, or come as near as they can
    /// while more wait; 0: too few wait.
    static std::uint32_t preferred_rows(const Pool::Line& line, std::uint32_t preferred) {
        if (line.rows < preferred) return 0;
        std::uint32_t rows = 0;
        for (const Waiting& part : line.queue) {
            if (rows > 0 && rows + part.rows > preferred) break;
            rows += part.rows;
            if (rows >= preferred) break;
        }
        return rows;
    }

    TritonSettings settings_;
    std::vector<std::uint64_t> executions_;
    std::optional<TimePoint> next_;
};

}  // namespace

std::unique_ptr<Rule> make_triton(const TritonSettings& settings) {
    return std::make_unique<Triton>(settings);
}

}  // namespace bunch::simulation
