#include "bench/simulation/rivals/greedy.h"

#include <algorithm>

namespace bunch::simulation {
namespace {

class Greedy final : public Rule {
  public:
    explicit Greedy(const GreedySettings& settings) : settings_(settings) {}

    void decide(Pool& pool, std::vector<Decision>& out) override {
        while (true) {
            Index model = kNone, lane = kNone;
            for (const Index candidate : pool.waiting()) {
                if (model != kNone && sequence(pool, candidate) > sequence(pool, model)) continue;
                const Index found =
                    settings_.quickest ? pool.quickest_lane(candidate) : pool.first_lane(candidate);
                if (found == kNone) continue;
                model = candidate;
                lane = found;
            }
            if (model == kNone) return;
            const std::uint32_t limit = pool.limit(lane, model);
            const std::uint32_t rows = capped(pool, lane, model, limit);
            const bool all = pool.line(model).rows <= rows;
            pool.dispatch(lane, model, rows,
                          all            ? CloseReason::queue
                          : rows < limit ? CloseReason::share
                                         : CloseReason::limit,
                          out);
        }
    }

  private:
    static std::uint64_t sequence(const Pool& pool, Index model) {
        return pool.line(model).queue.front().sequence;
    }

    std::uint32_t capped(const Pool& pool, Index lane, Index model, std::uint32_t limit) const {
        const std::optional<Duration> objective = pool.line(model).policy.objective;
        if (settings_.cap <= 0 || !objective) return limit;
        const Duration longest = from_seconds(settings_.cap * to_seconds(*objective));
        return std::max(1u, pool.rows_within(pool.lane(lane).device_class, model, longest, limit));
    }

    GreedySettings settings_;
};

}  // namespace

std::unique_ptr<Rule> make_greedy(const GreedySettings& settings) {
    return std::make_unique<Greedy>(settings);
}

}  // namespace bunch::simulation
