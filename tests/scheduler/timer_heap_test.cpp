#include "scheduler/timer_heap.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace bunch {
namespace {

TimePoint at(std::uint64_t time) {
    return TimePoint{} + Duration(static_cast<Duration::rep>(time));
}

TEST(TimerHeap, GivesTheEarliest) {
    TimerHeap heap;
    heap.set(3, at(30));
    heap.set(1, at(10));
    heap.set(2, at(20));

    EXPECT_EQ(heap.first(), 1u);
    EXPECT_EQ(heap.first_time(), at(10));
}

TEST(TimerHeap, HasOneTimeOfEachWhichCanBeChanged) {
    TimerHeap heap;
    heap.set(1, at(10));
    heap.set(2, at(20));

    heap.set(1, at(30));
    EXPECT_EQ(heap.first(), 2u);

    heap.remove(2);
    EXPECT_EQ(heap.first_time(), at(30));
    heap.remove(1);
    EXPECT_TRUE(heap.empty());
}

TEST(TimerHeap, IgnoresTheRemovalOfWhatIsNotThere) {
    TimerHeap heap;
    heap.set(1, at(10));

    heap.remove(0);
    heap.remove(1'000'000);

    EXPECT_EQ(heap.first(), 1u);
}

TEST(TimerHeap, AgreesWithASortedListWhateverHappens) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random(seed);
        TimerHeap heap;
        std::map<Index, TimePoint> times;
        std::multimap<TimePoint, Index> sorted;
        const auto forget = [&](Index which) {
            const auto found = times.find(which);
            if (found == times.end()) return;
            const auto [from, to] = sorted.equal_range(found->second);
            for (auto place = from; place != to; ++place) {
                if (place->second != which) continue;
                sorted.erase(place);
                break;
            }
            times.erase(found);
        };
        for (int step = 0; step < 2000; ++step) {
            const auto which = static_cast<Index>(random() % 40);
            const bool is_removed = random() % 3 == 0;
            forget(which);
            if (is_removed) {
                heap.remove(which);
            } else {
                const TimePoint when = at(random() % 50);
                heap.set(which, when);
                times[which] = when;
                sorted.emplace(when, which);
            }

            ASSERT_EQ(heap.empty(), sorted.empty());
            if (sorted.empty()) continue;
            ASSERT_EQ(heap.first_time(), sorted.begin()->first);
            ASSERT_EQ(times.at(heap.first()), heap.first_time());
        }
    }
}

}  // namespace
}  // namespace bunch
