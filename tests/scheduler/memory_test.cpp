// What the scheduler allocates: nothing per request once it has seen its load, and never more and
// more. A program of its own, since it replaces operator new.
#include <gtest/gtest.h>

#include <chrono>

#include "bench/allocation_count.h"
#include "bench/scheduler_load.h"

namespace bunch {
namespace {

using namespace std::chrono_literals;

/// Allocations while `load` goes on, after a time in which it meets its peaks.
template <typename Load>
std::uint64_t allocations_of(Load& load, std::uint64_t requests) {
    load.run(4 * requests);
    const std::uint64_t before = allocations();
    load.run(requests);
    return allocations() - before;
}

TEST(Memory, IsNotAllocatedForTheRequestsOfAFarm) {
    for (const bool have_names : {false, true}) {
        SCOPED_TRACE(have_names ? "clients with names" : "clients without names");
        ClosedLoad load(one_gpu(), 64, have_names, true);

        EXPECT_EQ(allocations_of(load, 100'000), 0u);
    }
}

TEST(Memory, IsNotAllocatedForRequestsOfManyModelsOnManyDevices) {
    LoadedPool pool = even_pool(8, 10);
    for (LoadedModel& model : pool.models) model.objective = 10s;
    ClosedLoad load(pool, 2000, true, false);

    EXPECT_EQ(allocations_of(load, 100'000), 0u);
}

TEST(Memory, IsAllocatedOnlyForNewPeaksOfRequestsThatComeAtRandom) {
    constexpr std::uint64_t kNewPeaks = 10;  // in 50,000 requests
    for (const std::uint32_t clients : {0u, 256u}) {
        SCOPED_TRACE(clients);
        OpenLoad one(one_gpu(), 0.6, clients);
        OpenLoad mixed(mixed_pool(), 0.6, clients);

        EXPECT_LE(allocations_of(one, 50'000), kNewPeaks);
        EXPECT_LE(allocations_of(mixed, 50'000), kNewPeaks);
    }
}

TEST(Memory, IsAllocatedForTheMessagesOfThoseWhoAreRejectedAndForNoOthers) {
    OpenLoad load(one_gpu(), 1.5, 0);
    load.run(200'000);
    const std::uint64_t rejected = load.counts().rejects;
    const std::uint64_t allocated = allocations();

    load.run(100'000);

    EXPECT_GT(load.counts().rejects - rejected, 10'000u);
    EXPECT_LE(allocations() - allocated, 3 * (load.counts().rejects - rejected));
}

TEST(Memory, DoesNotGrowWithTheClientsThatWereEverSeen) {
    OpenLoad load(one_gpu(), 0.6, 0xFFFFFFFF);
    load.run(200'000);
    const std::size_t before = bytes_in_use();

    load.run(400'000);

    EXPECT_LE(bytes_in_use(), before + before / 4);
}

}  // namespace
}  // namespace bunch
