#include "bench/scheduler_load.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <random>
#include <variant>

#include "core/check.h"

namespace bunch {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kSlots = 2;
constexpr std::size_t kDrawn = 1u << 16;  // random numbers, drawn beforehand

SchedulerConfig config_of(const LoadedPool& pool) {
    SchedulerConfig config;
    for (std::uint32_t m = 0; m < pool.models.size(); ++m) {
        ModelPolicy policy;
        policy.model = ModelId{m};
        policy.max_queued_rows = 1u << 30;
        policy.max_batch_rows = 1024;
        if (pool.models[m].objective > 0ns) policy.objective = pool.models[m].objective;
        config.models.push_back(policy);
    }
    return config;
}

}  // namespace

LoadedPool one_gpu() {
    return {{{8ms, 1}}, {{"gpu", 1, 1, {{0, 1500us, 30us, 128}}}}, 23'970};
}

LoadedPool mixed_pool() {
    LoadedPool pool;
    pool.models = {{5ms, 40}, {10ms, 20}, {20ms, 6}, {50ms, 3}};
    pool.classes = {
        {"fpga", 2, 1, {{0, 10us, 50us, 1}, {1, 0us, 120us, 1}}},
        {"gpu",
         2,
         2,
         {{0, 700us, 12us, 128, 0.8},
          {1, 1200us, 25us, 128, 0.8},
          {2, 2000us, 60us, 64, 0.8},
          {3, 3000us, 150us, 32, 0.8}}},
        {"cpu", 8, 1, {{0, 30us, 600us, 16}, {1, 30us, 1500us, 8}, {2, 50us, 6000us, 4}}}};
    pool.requests_per_second = 88'670;
    return pool;
}

LoadedPool even_pool(std::uint32_t devices, std::uint32_t models) {
    LoadedPool pool;
    LoadedClass device{"device", devices, 2, {}};
    for (std::uint32_t m = 0; m < models; ++m) {
        pool.models.emplace_back();
        device.runs.push_back({m, 1ms, 20us, 32});
    }
    pool.classes.push_back(device);
    pool.requests_per_second = 2.0 * devices * 32 / 1.64e-3;
    return pool;
}

LoadedLanes::LoadedLanes(const LoadedPool& pool, Scheduler& scheduler, TimePoint at)
    : pool_(pool), scheduler_(scheduler) {
    scheduler.configure(at, config_of(pool));
    std::uint32_t next_instance = 0;
    for (std::uint32_t c = 0; c < pool.classes.size(); ++c) {
        for (std::uint32_t d = 0; d < pool.classes[c].devices; ++d) {
            DeviceInfo info;
            info.device = DeviceId{static_cast<std::uint32_t>(busy_lanes_.size())};
            info.device_class = pool.classes[c].name;
            info.slots_per_lane = kSlots;
            for (std::uint32_t i = 0; i < pool.classes[c].lanes; ++i) {
                info.lanes.push_back(LaneId{static_cast<std::uint32_t>(lanes_.size())});
                lanes_.push_back({c, info.device.value, {}, {}});
                lanes_.back().batches.reserve(kSlots);
            }
            busy_lanes_.push_back(0);
            scheduler.device_up(at, info);
            for (const LoadedRun& run : pool.classes[c].runs) {
                InstanceInfo instance;
                instance.instance = InstanceId{next_instance++};
                instance.model = ModelId{run.model};
                instance.device = info.device;
                instance.max_batch_rows = run.max_rows;
                scheduler.instance_up(at, instance);
            }
        }
    }
}

void LoadedLanes::decide(TimePoint at, LoadCounts& counts) {
    decisions_.clear();
    scheduler_.decide(at, decisions_);
    for (Decision& decision : decisions_) {
        if (std::holds_alternative<Reject>(decision)) ++counts.rejects;
        if (auto* dispatch = std::get_if<Dispatch>(&decision)) {
            ++counts.batches;
            take(std::move(dispatch->batch), at);
        }
    }
}

void LoadedLanes::take(Batch&& batch, TimePoint at) {
    const std::uint32_t index = batch.lane.value;
    Lane& lane = lanes_[index];
    lane.batches.push_back(std::move(batch));
    if (lane.batches.size() == 1) begin(index, at);
}

void LoadedLanes::begin(std::uint32_t index, TimePoint at) {
    Lane& lane = lanes_[index];
    const Batch& batch = lane.batches.front();
    const std::vector<LoadedRun>& runs = pool_.classes[lane.of_class].runs;
    const auto run = std::find_if(runs.begin(), runs.end(), [&](const LoadedRun& one) {
        return one.model == batch.model.value;
    });
    BUNCH_CHECK(run != runs.end());
    const double slower = 1 + run->contention * busy_lanes_[lane.device];
    noise_ = noise_ * 1664525u + 1013904223u;
    const double noise = 0.97 + 0.06 * (noise_ >> 8) * 0x1p-24;
    lane.run = from_seconds(
        (to_seconds(run->fixed) + to_seconds(run->per_row) * batch.rows * slower) * noise);
    ++busy_lanes_[lane.device];
    scheduler_.batch_started(at, batch.id);
    ends_.emplace_back(at + lane.run, index);
    std::push_heap(ends_.begin(), ends_.end(), std::greater<>());
}

Batch LoadedLanes::end_next(TimePoint at) {
    const std::uint32_t index = ends_.front().second;
    std::pop_heap(ends_.begin(), ends_.end(), std::greater<>());
    ends_.pop_back();
    Lane& lane = lanes_[index];
    Batch batch = std::move(lane.batches.front());
    lane.batches.erase(lane.batches.begin());
    --busy_lanes_[lane.device];
    scheduler_.batch_done(at, batch.id, {StatusCode::ok, 5us, 5us, lane.run});
    if (!lane.batches.empty()) begin(index, at);
    return batch;
}

OpenLoad::OpenLoad(const LoadedPool& pool, double load, std::uint32_t clients)
    : pool_(pool), now_(TimePoint{} + 1h), lanes_(pool_, scheduler_, now_), clients_(clients) {
    std::mt19937_64 random(1);
    std::exponential_distribution<> gap(load * pool.requests_per_second);
    std::vector<double> mix;
    for (const LoadedModel& model : pool.models) mix.push_back(model.mix);
    std::discrete_distribution<std::uint32_t> model(mix.begin(), mix.end());
    for (std::size_t i = 0; i < kDrawn; ++i) {
        gaps_.push_back(from_seconds(gap(random)));
        sequence_.push_back(model(random));
    }
    next_arrival_ = now_;
}

void OpenLoad::submit() {
    Ticket ticket;
    ticket.call = CallId{next_call_};
    const std::size_t drawn = next_call_++ % kDrawn;
    ticket.model = ModelId{sequence_[drawn]};
    if (clients_ > 0) ticket.client = ClientId{next_call_ * 7919 % clients_ + 1};
    if (pool_.models[sequence_[drawn]].objective > 0ns)
        ticket.deadline = now_ + pool_.models[sequence_[drawn]].objective;
    scheduler_.submit(now_, ticket);
    next_arrival_ = now_ + gaps_[drawn];
    ++counts_.requests;
}

void OpenLoad::run(std::uint64_t requests) {
    const std::uint64_t until = counts_.requests + requests;
    while (counts_.requests < until) {
        const TimePoint end = lanes_.is_idle() ? kNever : lanes_.next_end();
        const TimePoint wake = scheduler_.next_wakeup().value_or(kNever);
        now_ = std::max(now_, std::min({end, wake, next_arrival_}));
        if (next_arrival_ <= now_)
            submit();
        else if (end <= now_)
            scheduler_.recycle(lanes_.end_next(now_));
        lanes_.decide(now_, counts_);
    }
}

ClosedLoad::ClosedLoad(const LoadedPool& pool, std::uint32_t clients, bool have_names,
                       bool decides_after_each)
    : pool_(pool),
      now_(TimePoint{} + 1h),
      lanes_(pool_, scheduler_, now_),
      have_names_(have_names),
      decides_after_each_(decides_after_each) {
    for (std::uint64_t client = 0; client < clients; ++client) submit(client);
    lanes_.decide(now_, counts_);
}

/// The number of the call tells whose it is.
void ClosedLoad::submit(std::uint64_t client) {
    random_ = random_ * 6364136223846793005u + 1442695040888963407u;
    Ticket ticket;
    ticket.call = CallId{client};
    const auto models = static_cast<std::uint32_t>(pool_.models.size());
    ticket.model = ModelId{static_cast<std::uint32_t>(random_ >> 33) % models};
    if (have_names_) ticket.client = ClientId{client + 1};
    if (pool_.models[ticket.model.value].objective > 0ns)
        ticket.deadline = now_ + pool_.models[ticket.model.value].objective;
    scheduler_.submit(now_, ticket);
    ++counts_.requests;
    if (decides_after_each_) lanes_.decide(now_, counts_);
}

void ClosedLoad::run(std::uint64_t requests) {
    const std::uint64_t until = counts_.requests + requests;
    while (counts_.requests < until) {
        const TimePoint end = lanes_.is_idle() ? kNever : lanes_.next_end();
        const TimePoint wake = scheduler_.next_wakeup().value_or(kNever);
        now_ = std::max(now_, std::min(end, wake));
        BUNCH_CHECK(now_ != kNever);
        if (end <= now_) {
            Batch batch = lanes_.end_next(now_);
            for (const Slice& slice : batch.slices) submit(slice.call.value);
            scheduler_.recycle(std::move(batch));
        }
        lanes_.decide(now_, counts_);
    }
}

}  // namespace bunch
