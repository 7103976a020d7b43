// How busy the scheduler keeps lanes for a farm of clients that each send their next request when
// the last is answered. The lane is modelled as it is: an input is copied into its slot first, one
// copy at a time, and a batch runs when its copy is there and the one before it is through.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <variant>
#include <vector>

#include "scheduler/scheduler.h"

namespace bunch {
namespace {

using namespace std::chrono_literals;

struct Farm {
    std::uint32_t clients = 32;
    std::uint32_t rows_per_request = 1;
    std::uint32_t lanes = 1;
    std::uint32_t max_batch_rows = 32;
    std::uint32_t slots = 2;
    bool has_names = false;   ///< clients tell who they are
    Duration fixed{};         ///< of a run
    Duration per_row{};       ///< of a run
    Duration copy_per_row{};  ///< into the slot
    Duration think{};         ///< of a client between answer and next request
    double noise = 0.05;      ///< standard deviation of run times, relative
    Duration lasts = 60s;
};

struct Outcome {
    double duty = 0;  ///< part of the time that lanes compute, after a tenth of it
    double mean_rows = 0;
    double rows_per_second = 0;
};

class FarmRun {
  public:
    FarmRun(const Farm& farm, std::uint64_t seed) : farm_(farm), random_(seed), scheduler_(seed) {
        ModelPolicy policy;
        policy.model = ModelId{1};
        policy.max_batch_rows = farm.max_batch_rows;
        policy.max_queued_rows = farm.clients * farm.rows_per_request;
        scheduler_.configure(now_, {{policy}, 5s});
        DeviceInfo device{DeviceId{1}, "device", {}, farm.slots};
        for (std::uint32_t i = 0; i < farm.lanes; ++i) device.lanes.push_back(LaneId{i});
        scheduler_.device_up(now_, device);
        InstanceInfo instance;
        instance.instance = InstanceId{1};
        instance.model = ModelId{1};
        instance.device = DeviceId{1};
        instance.max_batch_rows = farm.max_batch_rows;
        scheduler_.instance_up(now_, instance);
        lanes_.resize(farm.lanes);
        for (std::uint32_t i = 0; i < farm.clients; ++i)
            at(now_ + i * 10us, {}, Step::arrive, i + 1);
    }

    Outcome run() {
        const TimePoint end = now_ + farm_.lasts;
        const TimePoint warm = now_ + farm_.lasts / 10;
        counted_from_ = warm;
        counted_to_ = end;
        while (now_ < end) {
            const TimePoint next = events_.empty() ? kNever : events_.begin()->first;
            now_ = std::max(now_, std::min(next, scheduler_.next_wakeup().value_or(kNever)));
            while (!events_.empty() && events_.begin()->first <= now_) {
                const Event event = events_.begin()->second;
                events_.erase(events_.begin());
                happen(event);
            }
            decide();
        }
        const double seconds = to_seconds(end - warm);
        return {busy_ / seconds / farm_.lanes, batched_rows_ / batches_, rows_ / seconds};
    }

  private:
    enum class Step { arrive, copied, through };
    struct Event {
        LaneId lane;
        Step step = Step::arrive;
        std::uint64_t client = 0;  ///< that arrives
    };
    struct Slot {
        Batch batch;
        bool is_copied = false;
        Duration copy{};
        Duration run{};
    };
    struct SimLane {
        std::vector<Slot> slots;  ///< oldest first
        bool is_running = false;
    };

    void at(TimePoint when, LaneId lane, Step step, std::uint64_t client = 0) {
        events_.emplace(when, Event{lane, step, client});
    }

    void happen(const Event& event) {
        if (event.step == Step::arrive) {
            Ticket ticket;
            ticket.call = CallId{next_call_++};
            ticket.model = ModelId{1};
            ticket.rows = farm_.rows_per_request;
            if (farm_.has_names) ticket.client = ClientId{event.client};
            client_of_[ticket.call] = event.client;
            scheduler_.submit(now_, ticket);
            return;
        }
        SimLane& lane = lanes_[event.lane.value];
        if (event.step == Step::copied) {
            const auto next = std::find_if(lane.slots.begin(), lane.slots.end(),
                                           [](const Slot& slot) { return !slot.is_copied; });
            next->is_copied = true;
        } else {
            finish(lane);
        }
        start_next(event.lane);
    }

    void finish(SimLane& lane) {
        const Slot slot = lane.slots.front();
        lane.slots.erase(lane.slots.begin());
        lane.is_running = false;
        scheduler_.batch_done(now_, slot.batch.id, {StatusCode::ok, slot.copy, 0ns, slot.run});
        ++batches_;
        batched_rows_ += slot.batch.rows;
        for (const Slice& slice : slot.batch.slices) {
            std::uint32_t& left =
                unanswered_.try_emplace(slice.call, farm_.rows_per_request).first->second;
            left -= slice.rows;
            if (left > 0) continue;
            at(now_ + farm_.think, {}, Step::arrive, client_of_.at(slice.call));
            unanswered_.erase(slice.call);
            client_of_.erase(slice.call);
        }
    }

    void start_next(LaneId id) {
        SimLane& lane = lanes_[id.value];
        if (lane.is_running || lane.slots.empty() || !lane.slots.front().is_copied) return;
        Slot& slot = lane.slots.front();
        lane.is_running = true;
        const double factor = std::max(0.5, std::normal_distribution<>(1, farm_.noise)(random_));
        slot.run = from_seconds(to_seconds(farm_.fixed + slot.batch.rows * farm_.per_row) * factor);
        scheduler_.batch_started(now_, slot.batch.id);
        at(now_ + slot.run, id, Step::through);
        // As far as it lies in the time that counts.
        const Duration counted = std::max(
            Duration{}, std::min(now_ + slot.run, counted_to_) - std::max(now_, counted_from_));
        busy_ += to_seconds(counted);
        rows_ += slot.batch.rows * to_seconds(counted) / to_seconds(slot.run);
    }

    void decide() {
        std::vector<Decision> out;
        scheduler_.decide(now_, out);
        for (Decision& decision : out) {
            Batch& batch = std::get<Dispatch>(decision).batch;
            Slot slot;
            slot.copy = batch.rows * farm_.copy_per_row;
            copier_free_ = std::max(copier_free_, now_) + slot.copy;
            const LaneId lane = batch.lane;
            slot.batch = std::move(batch);
            lanes_[lane.value].slots.push_back(std::move(slot));
            at(copier_free_, lane, Step::copied);
        }
    }

    Farm farm_;
    std::mt19937_64 random_;
    Scheduler scheduler_;
    TimePoint now_{1h};
    TimePoint counted_from_;
    TimePoint counted_to_;
    TimePoint copier_free_{};
    std::multimap<TimePoint, Event> events_;
    std::vector<SimLane> lanes_;
    std::map<CallId, std::uint32_t> unanswered_;  ///< rows
    std::map<CallId, std::uint64_t> client_of_;
    std::uint64_t next_call_ = 0;
    double busy_ = 0;
    double rows_ = 0;
    double batches_ = 0;
    double batched_rows_ = 0;
};

Outcome run(const Farm& farm) {
    const Outcome outcome = FarmRun(farm, 1).run();
    std::printf("duty %.4f, %.1f rows per batch, %.0f rows/s\n", outcome.duty, outcome.mean_rows,
                outcome.rows_per_second);
    return outcome;
}

TEST(ClosedLoop, KeepsTwoCpuLanesBusyWithResNet) {
    const Farm farm{
        .lanes = 2, .fixed = 300us, .per_row = 72ms, .copy_per_row = 300us, .think = 1ms};

    const Outcome outcome = run(farm);

    EXPECT_GE(outcome.duty, 0.97);
    EXPECT_GE(outcome.rows_per_second, 0.97 * 2 / 0.072);
}

TEST(ClosedLoop, KeepsOneLaneBusyWhenEachCopyTakesATenthOfTheRun) {
    const Farm farm{.fixed = 1ms,
                    .per_row = 1ms,
                    .copy_per_row = 100us,
                    .think = 200us,
                    .noise = 0.1,
                    .lasts = 10s};

    EXPECT_GE(run(farm).duty, 0.97);
}

TEST(ClosedLoop, KeepsAnAcceleratorWithALargeFixedCostBusy) {
    const Farm farm{.clients = 64,
                    .max_batch_rows = 64,
                    .fixed = 5ms,
                    .per_row = 100us,
                    .copy_per_row = 20us,
                    .think = 100us,
                    .lasts = 10s};

    const Outcome outcome = run(farm);

    EXPECT_GE(outcome.duty, 0.97);
    EXPECT_GE(outcome.mean_rows, 24);
}

TEST(ClosedLoop, KeepsATinyModelsLaneBusy) {
    const Farm farm{.clients = 512,
                    .max_batch_rows = 64,
                    .fixed = 20us,
                    .per_row = 500ns,
                    .copy_per_row = 20ns,
                    .think = 20us,
                    .lasts = 200ms};

    const Outcome outcome = run(farm);

    EXPECT_GE(outcome.duty, 0.97);
    EXPECT_GE(outcome.mean_rows, 60);
}

/// The accelerator of the issue: 5 ms + 100 us per row, and clients that call again at once.
Farm accelerator(std::uint32_t clients, std::uint32_t slots) {
    return {.clients = clients,
            .max_batch_rows = 64,
            .slots = slots,
            .has_names = true,
            .fixed = 5ms,
            .per_row = 100us,
            .copy_per_row = 1us,
            .think = 50us,
            .noise = 0.01,
            .lasts = 20s};
}

TEST(ClosedLoop, MergesTheClientsThatTellTheirNamesIntoOneBatch) {
    for (const std::uint32_t slots : {1u, 2u}) {
        SCOPED_TRACE(std::to_string(slots) + " slots");
        // At most 8 / (5 ms + 0.8 ms + 0.05 ms) = 1367, and 64 / (5 ms + 6.4 ms + 0.05 ms) = 5590.
        EXPECT_GE(run(accelerator(8, slots)).rows_per_second, 1300);
        EXPECT_GE(run(accelerator(64, slots)).rows_per_second, 5200);
    }
}

TEST(ClosedLoop, SpreadsLargeRequestsOverTheLanes) {
    const Farm farm{.clients = 8,
                    .rows_per_request = 16'000,
                    .lanes = 2,
                    .max_batch_rows = 4096,
                    .fixed = 20us,
                    .per_row = 200ns,
                    .copy_per_row = 20ns,
                    .think = 100us,
                    .lasts = 2s};

    EXPECT_GE(run(farm).duty, 0.97);
}

}  // namespace
}  // namespace bunch
