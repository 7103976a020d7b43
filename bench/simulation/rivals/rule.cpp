#include "bench/simulation/rivals/rule.h"

#include <utility>

namespace bunch::simulation {
namespace {

class Rival final : public Policy {
  public:
    Rival(const PoolSettings& settings, std::unique_ptr<Rule> rule)
        : pool_(settings), rule_(std::move(rule)) {}

    void know(const std::vector<Profile>& profiles) override { pool_.know(profiles); }
    void configure(TimePoint at, const SchedulerConfig& config) override {
        pool_.configure(at, config);
    }
    void device_up(TimePoint at, const DeviceInfo& device) override { pool_.device_up(at, device); }
    void device_lost(TimePoint at, DeviceId device) override { pool_.device_lost(at, device); }
    void instance_up(TimePoint at, const InstanceInfo& instance) override {
        pool_.instance_up(at, instance);
    }
    void submit(TimePoint at, const Ticket& ticket) override { pool_.submit(at, ticket); }
    void batch_started(TimePoint, BatchId) override {}
    void batch_done(TimePoint at, BatchId batch, const RunReport& report) override {
        pool_.batch_done(at, batch, report);
    }
    void decide(TimePoint at, std::vector<Decision>& out) override {
        pool_.tick(at);
        if (pool_.has_refusals()) pool_.flush_refusals(out);
        if (is_busy()) rule_->decide(pool_, out);
    }
    std::optional<TimePoint> next_wakeup() const override {
        if (pool_.has_refusals()) return pool_.now();
        return is_busy() ? rule_->next_wakeup(pool_) : std::nullopt;
    }
    void recycle(Batch&& batch) override { pool_.recycle(std::move(batch)); }

  private:
    bool is_busy() const { return !pool_.waiting().empty() && !pool_.free_lanes().empty(); }

    Pool pool_;
    std::unique_ptr<Rule> rule_;
};

}  // namespace

std::unique_ptr<Policy> make_rival(const PoolSettings& settings, std::unique_ptr<Rule> rule) {
    return std::make_unique<Rival>(settings, std::move(rule));
}

}  // namespace bunch::simulation
