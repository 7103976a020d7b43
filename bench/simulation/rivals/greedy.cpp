#include "bench/simulation/rivals/greedy.h"

namespace bunch::simulation {
namespace {

class Greedy final : public Rule {
  public:
    explicit Greedy(const GreedySettings& settings) : settings_(settings) {}

    void decide(Pool& pool, std::vector<Decision>& out) override {
        for (std::size_t i = pool.waiting().size(); settings_.expire && i-- > 0;)
            pool.drop_before(pool.waiting()[i], pool.now() + Duration(1), out);
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
            const std::uint32_t rows = pool.capped_limit(lane, model, settings_.cap);
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

    GreedySettings settings_;
};

}  // namespace

std::unique_ptr<Rule> make_greedy(const GreedySettings& settings) {
    return std::make_unique<Greedy>(settings);
}

}  // namespace bunch::simulation
