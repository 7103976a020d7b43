#include "bench/simulation/rivals/edf.h"

#include <algorithm>
#include <tuple>

namespace bunch::simulation {
namespace {

class Edf final : public Rule {
  public:
    explicit Edf(const EdfSettings& settings) : settings_(settings) {}

    void decide(Pool& pool, std::vector<Decision>& out) override {
        if (settings_.drop) drop_doomed(pool, out);
        while (true) {
            Index model = kNone, lane = kNone;
            for (const Index candidate : pool.waiting()) {
                if (model != kNone && !is_before(pool, candidate, model)) continue;
                const Index found =
                    settings_.quickest ? pool.quickest_lane(candidate) : pool.first_lane(candidate);
                if (found == kNone) continue;
                model = candidate;
                lane = found;
            }
            if (model == kNone) return;
            dispatch(pool, lane, model, out);
        }
    }

  private:
    static bool is_before(const Pool& pool, Index a, Index b) {
        const Waiting& first = pool.line(a).queue.front();
        const Waiting& second = pool.line(b).queue.front();
        return std::tie(first.wanted, first.sequence) < std::tie(second.wanted, second.sequence);
    }

    static void drop_doomed(Pool& pool, std::vector<Decision>& out) {
        for (std::size_t i = pool.waiting().size(); i-- > 0;) {
            const Index model = pool.waiting()[i];
            pool.drop_before(model, pool.now() + pool.shortest_run(model), out);
        }
    }

    static void dispatch(Pool& pool, Index lane, Index model, std::vector<Decision>& out) {
        const std::uint32_t limit = pool.limit(lane, model);
        const Pool::Line& line = pool.line(model);
        const TimePoint wanted = line.queue.front().wanted;
        std::uint32_t rows = limit;
        if (wanted != kNever)
            rows = pool.rows_within(pool.lane(lane).device_class, model,
                                    wanted - pool.begin_on(lane), limit);
        // Late anyway: then at least the queue is emptied.
        if (rows < std::min(limit, line.queue.front().rows)) rows = limit;
        pool.dispatch(lane, model, rows,
                      line.rows <= rows ? CloseReason::queue
                      : rows < limit    ? CloseReason::deadline
                                        : CloseReason::limit,
                      out);
    }

    EdfSettings settings_;
};

}  // namespace

std::unique_ptr<Rule> make_edf(const EdfSettings& settings) {
    return std::make_unique<Edf>(settings);
}

}  // namespace bunch::simulation
