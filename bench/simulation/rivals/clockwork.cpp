#include "bench/simulation/rivals/clockwork.h"

#include <algorithm>
#include <chrono>

namespace bunch::simulation {
namespace {

constexpr Duration kUsualObjective = std::chrono::seconds(10);

TimePoint due(const Waiting& request) {
    return request.wanted == kNever ? request.arrival + kUsualObjective : request.wanted;
}

/// What an executor could do for one model.
struct Offer {
    Index model = kNone;
    std::size_t skipped = 0;  ///< requests before the batch
    std::uint32_t rows = 0;   ///< 0: nothing
    bool is_full = false;
    TimePoint latest_start = kNever;
};

class Clockwork final : public Rule {
  public:
    void decide(Pool& pool, std::vector<Decision>& out) override {
        for (std::size_t i = pool.waiting().size(); i-- > 0;) {
            const Index model = pool.waiting()[i];
            pool.drop_before(model, pool.now() + pool.shortest_run(model), out);
        }
        while (serve_one_lane(pool, out)) {
        }
    }

  private:
    /// Whether a batch was sent.
    bool serve_one_lane(Pool& pool, std::vector<Decision>& out) {
        barren_.assign(std::size_t{pool.class_count()} * pool.model_count(), false);
        for (const Index lane : pool.free_lanes()) {
            const Index first = pool.lane(lane).device_class * pool.model_count();
            Offer best;
            for (const Index model : pool.waiting()) {
                if (pool.limit(lane, model) == 0 || barren_[first + model]) continue;
                const Offer offer = offer_of(pool, lane, model);
                // Lanes of a class with as much to do make the same offers.
                if (offer.rows == 0)
                    barren_[first + model] = pool.lane(lane).flights.empty();
                else if (best.rows == 0 || offer.latest_start < best.latest_start)
                    best = offer;
            }
            if (best.rows == 0) continue;
            for (std::size_t i = 0; i < best.skipped; ++i) pool.drop_oldest(best.model, out);
            pool.dispatch(lane, best.model, best.rows,
                          best.is_full ? CloseReason::limit : CloseReason::deadline, out);
            return true;
        }
        return false;
    }

    static Offer offer_of(const Pool& pool, Index lane, Index model) {
        const std::deque<Waiting>& queue = pool.line(model).queue;
        const Index device_class = pool.lane(lane).device_class;
        const std::uint32_t limit = pool.limit(lane, model);
        const std::uint32_t rows_each = std::min(limit, queue.front().rows);
        const std::uint32_t most = limit / rows_each;
        Offer offer;
        auto oldest = queue.begin();  // of the queue of this size
        for (std::uint32_t size = 1;; size = std::min(2 * size, most)) {
            const Duration run = pool.run(device_class, model, size * rows_each);
            const TimePoint end = pool.begin_on(lane) + run;
            oldest = std::partition_point(oldest, queue.end(),
                                          [&](const Waiting& one) { return one.deadline < end; });
            if (queue.end() - oldest < static_cast<std::ptrdiff_t>(size)) break;
            offer.model = model;
            offer.skipped = static_cast<std::size_t>(oldest - queue.begin());
            offer.rows = size * rows_each;
            offer.is_full = size == most;
            offer.latest_start = std::min(offer.latest_start, due(*oldest) - run);
            if (size == most) break;
        }
        return offer;
    }

    std::vector<bool> barren_;  ///< by class and model: nothing to do for an idle lane
};

}  // namespace

std::unique_ptr<Rule> make_clockwork() {
    return std::make_unique<Clockwork>();
}

}  // namespace bunch::simulation
