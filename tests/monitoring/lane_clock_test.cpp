#include "monitoring/lane_clock.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace bunch {
namespace {

using namespace std::chrono_literals;

TimePoint at(Duration since_start) {
    return TimePoint{} + since_start;
}

Duration in(const LaneClock& clock, LaneState state) {
    return clock.totals()[static_cast<std::size_t>(state)];
}

Duration sum(const LaneClock& clock) {
    return std::accumulate(clock.totals().begin(), clock.totals().end(), Duration::zero());
}

BatchTimes times(Duration transfer, Duration compute, Duration computed, Duration end) {
    return {at(transfer), at(compute), at(computed), at(end)};
}

LaneClock running() {
    LaneClock clock(at(0ms));
    clock.up(at(0ms));
    return clock;
}

TEST(LaneClock, CountsALaneWithoutWorkAsIdleAndOneThatIsNotUpAsFaulted) {
    LaneClock clock(at(0ms));
    clock.up(at(10ms));
    clock.advance(at(15ms));

    EXPECT_EQ(in(clock, LaneState::faulted), 10ms);
    EXPECT_EQ(in(clock, LaneState::idle), 5ms);
}

TEST(LaneClock, DividesABatchIntoWaitTransferAndCompute) {
    LaneClock clock = running();
    clock.work_waits(at(10ms), true);
    clock.bound(at(15ms), BatchId{1});
    clock.work_waits(at(15ms), false);
    clock.done(at(50ms), BatchId{1}, times(17ms, 20ms, 40ms, 45ms));
    clock.advance(at(60ms));

    EXPECT_EQ(in(clock, LaneState::idle), 20ms);
    EXPECT_EQ(in(clock, LaneState::wait_batch), 5ms + 2ms + 5ms);
    EXPECT_EQ(in(clock, LaneState::transfer), 3ms + 5ms);
    EXPECT_EQ(in(clock, LaneState::compute), 20ms);
    EXPECT_EQ(clock.settled(), at(60ms));
}

TEST(LaneClock, CountsTransferBehindComputeAsCompute) {
    LaneClock clock = running();
    clock.bound(at(0ms), BatchId{1});
    clock.bound(at(1ms), BatchId{2});
    clock.done(at(20ms), BatchId{1}, times(0ms, 2ms, 12ms, 20ms));
    clock.done(at(40ms), BatchId{2}, times(2ms, 12ms, 30ms, 40ms));

    EXPECT_EQ(in(clock, LaneState::compute), 28ms);
    EXPECT_EQ(in(clock, LaneState::transfer), 2ms + 10ms);
    EXPECT_EQ(sum(clock), 40ms);
}

TEST(LaneClock, HoldsTimeBackThatAnOpenBatchMayStillClaim) {
    LaneClock clock = running();
    clock.bound(at(10ms), BatchId{1});
    clock.bound(at(20ms), BatchId{2});
    clock.done(at(60ms), BatchId{2}, times(20ms, 30ms, 40ms, 50ms));
    clock.advance(at(70ms));

    EXPECT_EQ(clock.settled(), at(10ms));
    clock.done(at(80ms), BatchId{1}, times(10ms, 10ms, 35ms, 35ms));
    EXPECT_EQ(clock.settled(), at(80ms));
    EXPECT_EQ(in(clock, LaneState::compute), 30ms);
}

TEST(LaneClock, CountsTheTimeOfLostBatchesAsFaulted) {
    LaneClock clock = running();
    clock.bound(at(10ms), BatchId{1});
    clock.fault(at(30ms));
    clock.advance(at(35ms));
    clock.up(at(40ms));
    clock.done(at(41ms), BatchId{1}, times(10ms, 10ms, 30ms, 30ms));

    EXPECT_EQ(in(clock, LaneState::idle), 11ms);
    EXPECT_EQ(in(clock, LaneState::faulted), 30ms);
}

TEST(LaneClock, DoesNotBelieveTimesOutsideOfTheBatch) {
    LaneClock clock = running();
    clock.bound(at(10ms), BatchId{1});
    clock.done(at(20ms), BatchId{1},
               {TimePoint::min(), TimePoint::min(), TimePoint::max(), TimePoint::min()});

    EXPECT_EQ(in(clock, LaneState::compute), 10ms);
    EXPECT_EQ(in(clock, LaneState::idle), 10ms);
}

TEST(LaneClock, GoesOnSettlingWhenOneBatchNeverComesBack) {
    LaneClock clock = running();
    clock.bound(at(0ms), BatchId{0});
    for (std::uint64_t i = 1; i <= 1000; ++i) {
        const Duration begin = i * 1ms;
        clock.bound(at(begin), BatchId{i});
        clock.done(at(begin + 1ms), BatchId{i}, times(begin, begin, begin + 500us, begin + 500us));
    }

    EXPECT_GT(clock.settled(), at(700ms));
    EXPECT_EQ(sum(clock), clock.settled() - at(0ms));
}

/// One random event; `open` are the batches that the clock was told of.
void random_event(std::mt19937_64& random, LaneClock& clock, TimePoint now,
                  std::vector<BatchId>& open, std::uint64_t& next_batch) {
    const auto below = [&random](std::uint64_t bound) { return random() % bound; };
    const auto some_time = [&] { return now - Duration(below(5000)) + Duration(below(2000)); };
    switch (below(8)) {
        case 0:
            clock.advance(now);
            break;
        case 1:
            clock.work_waits(now, below(2) == 0);
            break;
        case 2:
        case 3:
            open.push_back(BatchId{next_batch++});
            clock.bound(now, open.back());
            break;
        case 4:
        case 5:
            if (open.empty()) break;
            std::swap(open[below(open.size())], open.back());
            clock.done(now, open.back(), {some_time(), some_time(), some_time(), some_time()});
            open.pop_back();
            break;
        case 6:
            if (below(4) != 0) break;
            clock.fault(now);
            open.clear();
            break;
        default:
            clock.up(now);
            break;
    }
}

TEST(LaneClock, KeepsStatesThatOnlyGrowAndSumToTheSettledTimeWhateverHappens) {
    for (int round = 0; round < 300; ++round) {
        const auto seed = std::random_device()();
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random(seed);
        TimePoint now = at(1s);
        LaneClock clock(now);
        std::vector<BatchId> open;
        std::uint64_t next_batch = 0;
        for (int step = 0; step < 500; ++step) {
            const LaneClock::Totals before = clock.totals();
            now += Duration(random() % 1000);

            random_event(random, clock, now, open, next_batch);

            ASSERT_EQ(sum(clock), clock.settled() - at(1s)) << "step " << step;
            ASSERT_LE(clock.settled(), now);
            for (std::size_t i = 0; i < kLaneStates; ++i) ASSERT_GE(clock.totals()[i], before[i]);
            clock.advance(now);
            if (open.empty()) {
                ASSERT_EQ(clock.settled(), now) << "step " << step;
            }
        }
    }
}

/// The same account made the slow way: nanosecond by nanosecond.
TEST(LaneClock, AgreesWithAnAccountMadeTickByTick) {
    const auto seed = std::random_device()();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    constexpr int kTicks = 4000;
    std::vector<LaneState> expected(kTicks, LaneState::idle);
    const auto paint = [&expected](Duration from, Duration to, LaneState state) {
        for (auto tick = from.count(); tick < to.count(); ++tick) {
            LaneState& cell = expected[static_cast<std::size_t>(tick)];
            if (cell != LaneState::compute) cell = state;
        }
    };
    LaneClock clock = running();
    struct Planned {
        Duration bound, done;
        BatchTimes times;
    };
    std::vector<Planned> plan;
    for (Duration bound{100}; bound < Duration(kTicks - 200);) {
        std::array<Duration, 5> steps{};
        Duration moment = bound;
        for (Duration& step : steps) step = (moment += Duration(random() % 30));
        plan.push_back({bound, steps[4], times(steps[0], steps[1], steps[2], steps[3])});
        bound += Duration(random() % 120);
    }
    for (const Planned& batch : plan) paint(batch.bound, batch.done, LaneState::wait_batch);
    for (const Planned& batch : plan) {
        const auto since = [](TimePoint time) { return time - TimePoint{}; };
        paint(since(batch.times.transfer_begin), since(batch.times.compute_begin),
              LaneState::transfer);
        paint(since(batch.times.compute_end), since(batch.times.transfer_end), LaneState::transfer);
    }
    for (const Planned& batch : plan)
        paint(batch.times.compute_begin - TimePoint{}, batch.times.compute_end - TimePoint{},
              LaneState::compute);

    std::vector<std::pair<Duration, int>> events;  // +n: batch n-1 is bound, -n: it is done
    for (int i = 0; i < static_cast<int>(plan.size()); ++i) {
        events.emplace_back(plan[static_cast<std::size_t>(i)].bound, i + 1);
        events.emplace_back(plan[static_cast<std::size_t>(i)].done, -(i + 1));
    }
    // At equal times bound before done, so that a batch without length exists.
    std::stable_sort(events.begin(), events.end(), [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first < b.first : a.second > b.second;
    });
    for (const auto& [moment, event] : events) {
        const BatchId batch{static_cast<std::uint64_t>(std::abs(event))};
        if (event > 0) {
            clock.bound(at(moment), batch);
        } else {
            clock.done(at(moment), batch, plan[batch.value - 1].times);
        }
    }
    clock.advance(at(Duration(kTicks)));

    for (std::size_t i = 0; i < kLaneStates; ++i) {
        const auto state = static_cast<LaneState>(i);
        EXPECT_EQ(in(clock, state).count(), std::count(expected.begin(), expected.end(), state))
            << name_of(state);
    }
}

}  // namespace
}  // namespace bunch
