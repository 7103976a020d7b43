// What one hop from daemon to runner and back costs: RunBatch sent, the runner's thread awake, an
// instant (simulated) device, BatchDone received. The runner is the real process.
//
//     build/release/bin/hop_bench [--benchmark_format=json]
//
// `idle` waits in poll() as the reactor does, one batch at a time; `pipelined` keeps every slot of
// the lane full; `encode` and `decode` are the messages alone.
#include <benchmark/benchmark.h>
#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "backends/host/process_launcher.h"
#include "backends/host/runner_host.h"

namespace {

using namespace bunch;

[[noreturn]] void give_up(const std::string& why) {
    std::fprintf(stderr, "hop_bench: %s\n", why.c_str());
    std::exit(1);
}

ModelSignature signature_of(std::int64_t width) {
    return {{{"x", DataType::f32, {kAnyExtent, width}}},
            {{"y", DataType::f32, {kAnyExtent, width}}},
            true};
}

/// A runner with one instant lane of `slots` slots and the model 0.
class Runner {
  public:
    Runner(std::uint32_t slots, std::int64_t width)
        : launcher_(
              process_launcher(std::filesystem::read_symlink("/proc/self/exe").parent_path())),
          host_(settings_of(slots), *launcher_, [] { return LaneId{0}; }),
          signature_(signature_of(width)) {
        ModelSpec spec;
        spec.name = "echo";
        spec.signature = signature_;
        spec.max_batch_rows = 1024;
        host_.load(ModelId{0}, spec);
        host_.start(now());
        bool loaded = false;
        while (!loaded) {
            std::vector<pollfd> fds;
            host_.add_poll_fds(fds);
            ::poll(fds.data(), static_cast<nfds_t>(fds.size()), 100);
            host_.advance(now());
            for (HostEvent& event : host_.take_events()) {
                if (auto* up = std::get_if<DeviceUp>(&event)) lane_ = std::move(up->lanes.at(0));
                if (auto* failed = std::get_if<DeviceFailed>(&event))
                    give_up(failed->status.message());
                if (auto* lost = std::get_if<DeviceLost>(&event)) give_up(lost->reason);
                loaded = loaded || std::holds_alternative<InstanceUp>(event);
            }
        }
    }

    LaneLink& lane() { return *lane_; }

    void send(std::uint32_t rows) {
        auto batch = lane_->begin(BatchId{next_++}, ModelId{0}, signature_, rows);
        if (!batch.ok()) give_up(batch.status().message());
        if (!lane_->run(batch->slot, now()).ok()) give_up("the lane is lost");
    }

    void take() {
        for (;;) {
            auto report = lane_->receive(now());
            if (!report.ok()) give_up(report.status().message());
            if (*report) {
                if (!(*report)->status.ok()) give_up((*report)->status.message());
                lane_->release((*report)->slot);
                return;
            }
            pollfd fd{lane_->fd(), POLLIN, 0};
            ::poll(&fd, 1, -1);
        }
    }

  private:
    static DeviceSettings settings_of(std::uint32_t slots) {
        DeviceSettings settings;
        settings.name = "hop";
        settings.backend = "simulated";
        settings.slots = slots;
        return settings;
    }

    std::unique_ptr<Launcher> launcher_;
    RunnerHost host_;
    ModelSignature signature_;
    std::unique_ptr<LaneLink> lane_;
    std::uint64_t next_ = 0;
};

void idle(benchmark::State& state) {
    Runner runner(2, state.range(0));
    for (auto _ : state) {
        runner.send(1);
        runner.take();
    }
}
BENCHMARK(idle)->Arg(8)->Arg(3 * 224 * 224)->UseRealTime();

void pipelined(benchmark::State& state) {
    Runner runner(static_cast<std::uint32_t>(state.range(0)), 8);
    for (auto _ : state) {
        while (runner.lane().free_slots() > 0) runner.send(1);
        runner.take();
    }
}
BENCHMARK(pipelined)->Arg(2)->Arg(8)->UseRealTime();

wire::RunBatch small_batch() {
    return {BatchId{1},
            SlotId{0},
            ModelId{0},
            {{0, 0, 32, DataType::f32, {1, 8}}},
            {{0, 64, 32, DataType::f32, {1, 8}}}};
}

void encode_run_batch(benchmark::State& state) {
    const wire::RunBatch batch = small_batch();
    std::vector<std::byte> bytes;
    for (auto _ : state) {
        wire::encode(batch, bytes);
        benchmark::DoNotOptimize(bytes.data());
    }
}
BENCHMARK(encode_run_batch);

void decode_run_batch(benchmark::State& state) {
    std::vector<std::byte> bytes;
    wire::encode(small_batch(), bytes);
    wire::RunBatch batch;
    for (auto _ : state) {
        if (!wire::decode(bytes, batch).ok()) give_up("decode failed");
        benchmark::DoNotOptimize(batch);
    }
}
BENCHMARK(decode_run_batch);

void decode_batch_done(benchmark::State& state) {
    std::vector<std::byte> bytes;
    wire::encode(wire::BatchDone{BatchId{1}, SlotId{0}, {}, {{1, 8}}, {}}, bytes);
    wire::BatchDone done;
    for (auto _ : state) {
        if (!wire::decode(bytes, done).ok()) give_up("decode failed");
        benchmark::DoNotOptimize(done);
    }
}
BENCHMARK(decode_batch_done);

}  // namespace

BENCHMARK_MAIN();
