// What it costs to record the scheduler's events: nanoseconds of each kind, into a ring of the
// default size, which is far larger than any cache.
#include <benchmark/benchmark.h>

#include <vector>

#include "daemon/trace_ring.h"

namespace bunch {
namespace {

constexpr std::size_t kSlots = 262144;

void record(TraceRing& ring, const trace::Slot& slot) {
    if (ring.is_full()) ring.turn({});
    ring.add(slot);
}

TimePoint at(std::uint64_t number) {
    return TimePoint(Duration(static_cast<std::int64_t>(number)));
}

void BM_RecordSubmit(benchmark::State& state) {
    TraceRing ring(kSlots);
    Ticket ticket;
    for (auto _ : state) {
        ++ticket.call.value;
        record(ring, trace::encode(at(ticket.call.value), ticket));
    }
}
BENCHMARK(BM_RecordSubmit);

void BM_RecordBatchDone(benchmark::State& state) {
    TraceRing ring(kSlots);
    const RunReport report{StatusCode::ok, Duration(1), Duration(2), Duration(3)};
    std::uint64_t number = 0;
    for (auto _ : state) {
        ++number;
        record(ring, trace::encode(at(number), BatchId{number}, report));
    }
}
BENCHMARK(BM_RecordBatchDone);

/// decide() with one dispatch of so many slices; per slice, which is a request.
void BM_RecordDecide(benchmark::State& state) {
    TraceRing ring(kSlots);
    std::vector<Decision> decisions;
    Dispatch dispatch;
    dispatch.batch.slices.resize(static_cast<std::size_t>(state.range(0)));
    if (state.range(0) > 0) decisions.push_back(std::move(dispatch));
    std::uint64_t number = 0;
    for (auto _ : state) {
        ++number;
        const trace::Decide event{static_cast<std::uint32_t>(decisions.size()),
                                  trace::fingerprint_of(decisions)};
        record(ring, trace::encode(at(number), event));
    }
}
BENCHMARK(BM_RecordDecide)->Arg(0)->Arg(1)->Arg(8)->Arg(32);

}  // namespace
}  // namespace bunch

BENCHMARK_MAIN();
