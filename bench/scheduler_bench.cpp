// What one request costs in the scheduler: submit, its share of decide(), batch_started() and
// batch_done(). Time is virtual; the generator of the load is part of the figures.
#include <benchmark/benchmark.h>

#include "bench/allocation_count.h"
#include "bench/scheduler_load.h"

namespace bunch {
namespace {

constexpr std::uint64_t kWarmUp = 100'000;  // requests
constexpr std::uint64_t kStep = 1000;       // requests between two looks at the clock

template <typename Load>
void measure(benchmark::State& state, Load& load) {
    load.run(kWarmUp);
    const LoadCounts before = load.counts();
    const std::uint64_t allocated = allocations();
    for (auto _ : state) load.run(kStep);
    const LoadCounts& after = load.counts();
    const auto requests = static_cast<double>(after.requests - before.requests);
    const auto batches = static_cast<double>(after.batches - before.batches);
    const auto rejects = static_cast<double>(after.rejects - before.rejects);
    using benchmark::Counter;
    const auto time_per = Counter::kIsRate | Counter::kInvert;
    state.counters["per_second"] = Counter(requests, Counter::kIsRate);
    state.counters["per_request"] = Counter(requests, time_per);
    state.counters["per_decision"] = Counter(batches + rejects, time_per);
    state.counters["mean_rows"] = (requests - rejects) / batches;
    state.counters["rejected"] = rejects / requests;
    state.counters["allocations_per_request"] =
        static_cast<double>(allocations() - allocated) / requests;
}

/// Always enough requests for all lanes and slots.
void closed_loop(benchmark::State& state, bool decides_after_each, Duration objective) {
    const auto devices = static_cast<std::uint32_t>(state.range(0));
    const auto models = static_cast<std::uint32_t>(state.range(1));
    LoadedPool pool = even_pool(devices, models);
    for (LoadedModel& model : pool.models) model.objective = objective;
    ClosedLoad load(pool, 32 * (devices * 4 + 2 * models), false, decides_after_each);
    measure(state, load);
}

/// One decide() per turn of the reactor: a batch came back and its 32 requests arrived.
void DecideOncePerTurn(benchmark::State& state) {
    closed_loop(state, false, {});
}

/// The worst order of events: one request at a time.
void DecideAfterEveryRequest(benchmark::State& state) {
    closed_loop(state, true, {});
}

/// As DecideOncePerTurn, with an objective and a deadline of 10 s on every request.
void WithDeadlines(benchmark::State& state) {
    closed_loop(state, false, std::chrono::seconds(10));
}

void open_loop(benchmark::State& state, const LoadedPool& pool) {
    OpenLoad load(pool, static_cast<double>(state.range(0)) / 100,
                  static_cast<std::uint32_t>(state.range(1)));
    measure(state, load);
}

/// Scenario S1, by percent of what the GPU can do, with a deadline on each request, and with
/// clients that tell their names or without.
void OneGpu(benchmark::State& state) {
    open_loop(state, one_gpu());
}

/// Scenario S4, the same.
void MixedPool(benchmark::State& state) {
    open_loop(state, mixed_pool());
}

/// A farm of clients that tell their names, each with one request on the way.
void Farm(benchmark::State& state) {
    LoadedPool pool = one_gpu();
    pool.models[0].objective = {};
    ClosedLoad load(pool, static_cast<std::uint32_t>(state.range(0)), true, true);
    measure(state, load);
}

const std::vector<std::vector<std::int64_t>> kPools = {{1, 8, 64}, {1, 10, 50}};
const std::vector<std::vector<std::int64_t>> kLoads = {{50, 80, 100, 150}, {0, 256}};

BENCHMARK(DecideOncePerTurn)->ArgNames({"devices", "models"})->ArgsProduct(kPools);
BENCHMARK(DecideAfterEveryRequest)->ArgNames({"devices", "models"})->ArgsProduct(kPools);
BENCHMARK(WithDeadlines)->ArgNames({"devices", "models"})->ArgsProduct(kPools);
BENCHMARK(OneGpu)->ArgNames({"percent", "names"})->ArgsProduct(kLoads);
BENCHMARK(MixedPool)->ArgNames({"percent", "names"})->ArgsProduct(kLoads);
BENCHMARK(Farm)->ArgName("clients")->Arg(16)->Arg(256);

}  // namespace
}  // namespace bunch

BENCHMARK_MAIN();
