// What one request costs in the scheduler: submit, its share of decide(), batch_started() and
// batch_done(). A closed loop over a saturated pool: as soon as a batch is through, each of its
// calls is followed by a new one of a random model. Time is virtual.
#include <benchmark/benchmark.h>

#include <chrono>
#include <deque>
#include <utility>
#include <variant>
#include <vector>

#include "scheduler/scheduler.h"

namespace bunch {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kBatchRows = 32;
constexpr std::uint32_t kLanes = 2;
constexpr std::uint32_t kSlots = 2;

class Pool {
  public:
    Pool(std::uint32_t devices, std::uint32_t models, bool with_deadlines)
        : devices_(devices), models_(models), with_deadlines_(with_deadlines) {
        SchedulerConfig config;
        for (std::uint32_t m = 0; m < models; ++m) {
            ModelPolicy policy;
            policy.model = ModelId{m};
            policy.max_batch_rows = kBatchRows;
            policy.max_queued_rows = 1u << 30;
            config.models.push_back(policy);
        }
        scheduler_.configure(now_, config);
        for (std::uint32_t d = 0; d < devices; ++d) {
            scheduler_.device_up(
                now_, {DeviceId{d}, "device", {LaneId{2 * d}, LaneId{2 * d + 1}}, kSlots});
            for (std::uint32_t m = 0; m < models; ++m)
                scheduler_.instance_up(now_, {InstanceId{d * models + m}, ModelId{m}, DeviceId{d},
                                              kBatchRows, InstanceState::ready});
        }
        const std::uint32_t clients = kBatchRows * (devices * kLanes * kSlots + 2 * models);
        for (std::uint32_t i = 0; i < clients; ++i) submit();
        decide();
    }

    /// Finishes the oldest batch; returns its rows.
    std::uint32_t turn(bool decide_each) {
        Batch batch = std::move(running_.front());
        running_.pop_front();
        now_ += run_time(batch.rows) / (devices_ * kLanes);
        scheduler_.batch_started(now_, batch.id);
        scheduler_.batch_done(now_, batch.id, {StatusCode::ok, 5us, 5us, run_time(batch.rows)});
        const std::uint32_t rows = batch.rows;
        scheduler_.recycle(std::move(batch));
        for (std::uint32_t i = 0; i < rows; ++i) {
            submit();
            if (decide_each) decide();
        }
        decide();
        return rows;
    }

    /// Whether every batch keeps its lane busy, so that turn() has something to finish.
    bool is_running() const { return !running_.empty(); }

  private:
    static Duration run_time(std::uint32_t rows) { return 1ms + rows * 20us; }

    void submit() {
        random_ = random_ * 6364136223846793005u + 1442695040888963407u;
        Ticket ticket;
        ticket.call = CallId{next_call_++};
        ticket.model = ModelId{static_cast<std::uint32_t>(random_ >> 33) % models_};
        ticket.bytes = 20;
        if (with_deadlines_) ticket.deadline = now_ + 10s;
        scheduler_.submit(now_, ticket);
    }

    void decide() {
        decisions_.clear();
        scheduler_.decide(now_, decisions_);
        for (Decision& decision : decisions_)
            if (auto* dispatch = std::get_if<Dispatch>(&decision))
                running_.push_back(std::move(dispatch->batch));
        benchmark::DoNotOptimize(scheduler_.next_wakeup());
    }

    Scheduler scheduler_{1};
    std::vector<Decision> decisions_;
    std::deque<Batch> running_;
    std::uint32_t devices_;
    std::uint32_t models_;
    bool with_deadlines_;
    TimePoint now_{1h};
    std::uint64_t next_call_ = 0;
    std::uint64_t random_ = 1;
};

void run(benchmark::State& state, bool decide_each, bool with_deadlines) {
    Pool pool(static_cast<std::uint32_t>(state.range(0)),
              static_cast<std::uint32_t>(state.range(1)), with_deadlines);
    std::int64_t rows = 0;
    std::int64_t batches = 0;
    for (auto _ : state) {
        if (!pool.is_running()) {
            state.SkipWithError("the pool ran dry");
            break;
        }
        rows += pool.turn(decide_each);
        ++batches;
    }
    state.SetItemsProcessed(rows);
    state.counters["mean_batch_rows"] = static_cast<double>(rows) / static_cast<double>(batches);
    state.counters["time_per_request"] = benchmark::Counter(
        static_cast<double>(rows), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

/// One decide() per turn of the reactor: a batch came back and 32 requests arrived.
void DecideOncePerTurn(benchmark::State& state) {
    run(state, false, false);
}

/// The worst order of events: one request at a time.
void DecideAfterEveryRequest(benchmark::State& state) {
    run(state, true, false);
}

/// As DecideOncePerTurn, with a deadline on every request.
void WithDeadlines(benchmark::State& state) {
    run(state, false, true);
}

const std::vector<std::vector<std::int64_t>> kPools = {{1, 8, 64}, {1, 10, 50}};

BENCHMARK(DecideOncePerTurn)->ArgNames({"devices", "models"})->ArgsProduct(kPools);
BENCHMARK(DecideAfterEveryRequest)->ArgNames({"devices", "models"})->ArgsProduct(kPools);
BENCHMARK(WithDeadlines)->ArgNames({"devices", "models"})->ArgsProduct(kPools);

}  // namespace
}  // namespace bunch

BENCHMARK_MAIN();
