#include "bench/simulation/bunchd_policy.h"

#include <utility>

#include "scheduler/scheduler.h"

namespace bunch::simulation {
namespace {

class BunchdPolicy final : public Policy {
  public:
    explicit BunchdPolicy(std::uint64_t seed) : scheduler_(seed) {}

    void configure(TimePoint at, const SchedulerConfig& config) override {
        scheduler_.configure(at, config);
    }
    void device_up(TimePoint at, const DeviceInfo& device) override {
        scheduler_.device_up(at, device);
    }
    void device_lost(TimePoint at, DeviceId device) override { scheduler_.device_lost(at, device); }
    void instance_up(TimePoint at, const InstanceInfo& instance) override {
        scheduler_.instance_up(at, instance);
    }
    void submit(TimePoint at, const Ticket& ticket) override { scheduler_.submit(at, ticket); }
    void batch_started(TimePoint at, BatchId batch) override {
        scheduler_.batch_started(at, batch);
    }
    void batch_done(TimePoint at, BatchId batch, const RunReport& report) override {
        scheduler_.batch_done(at, batch, report);
    }
    void decide(TimePoint at, std::vector<Decision>& out) override { scheduler_.decide(at, out); }
    std::optional<TimePoint> next_wakeup() const override { return scheduler_.next_wakeup(); }
    void recycle(Batch&& batch) override { scheduler_.recycle(std::move(batch)); }

  private:
    Scheduler scheduler_;
};

}  // namespace

std::unique_ptr<Policy> make_bunchd_policy(std::uint64_t seed) {
    return std::make_unique<BunchdPolicy>(seed);
}

}  // namespace bunch::simulation
