// Thousands of whole lives of the scheduler. A broken promise prints the seed of its life; run that
// one alone with BUNCH_SIMULATION_SEED, more of them with BUNCH_SIMULATION_LIVES, and see what
// happened in it with BUNCH_SIMULATION_TRACE=1.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "tests/simulation/world.h"

namespace bunch::simulation {
namespace {

using ::testing::Contains;
using ::testing::Key;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// What happened in many lives.
struct Sums {
    std::uint64_t calls = 0;
    std::uint64_t answered = 0;
    std::uint64_t fingerprint = 0;
    std::map<std::string, std::uint64_t> decisions;

    void add(const World& world) {
        calls += world.ledger().calls();
        answered += world.ledger().answered();
        fingerprint = fingerprint * 1099511628211u + world.fingerprint();
        for (const auto& [name, count] : world.decisions()) decisions[name] += count;
    }
};

TEST(WholeLife, KeepsEveryPromiseWhateverHappens) {
    constexpr int kMostBroken = 10;  // lives, before the rest is left out
    const std::uint64_t first = from_environment("BUNCH_SIMULATION_SEED", 1);
    const std::uint64_t lives = from_environment("BUNCH_SIMULATION_LIVES", 3000);
    Sums sums;
    int broken = 0;

    for (std::uint64_t seed = first; seed < first + lives && broken < kMostBroken; ++seed) {
        World world(seed);
        world.run();
        EXPECT_EQ(world.problem(), "") << "seed " << seed;
        broken += world.problem().empty() ? 0 : 1;
        sums.add(world);
    }

    // tools/test compares this line between compilers.
    std::printf("%" PRIu64 " lives from seed %" PRIu64 ": fingerprint %016" PRIx64 "\n", lives,
                first, sums.fingerprint);
    std::printf("%" PRIu64 " calls, %" PRIu64 " answered\n", sums.calls, sums.answered);
    for (const auto& [name, count] : sums.decisions)
        std::printf("  %-16s %" PRIu64 "\n", name.c_str(), count);
    // The lives must be worth watching.
    if (lives < 1000) return;
    EXPECT_GT(sums.answered, sums.calls / 3);
    for (std::size_t i = 0; i < kCloseReasons; ++i)
        EXPECT_THAT(sums.decisions,
                    Contains(Key("batch " + std::string(name_of(static_cast<CloseReason>(i))))));
    for (std::size_t i = 0; i < kRejectReasons; ++i)
        EXPECT_THAT(sums.decisions,
                    Contains(Key("reject " + std::string(name_of(static_cast<RejectReason>(i))))));
    EXPECT_THAT(sums.decisions, Contains(Key("load")));
}

TEST(WholeLife, IsTheSameTwiceForTheSameSeed) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        World one(seed);
        World other(seed);
        one.run();
        other.run();
        ASSERT_EQ(one.fingerprint(), other.fingerprint()) << "seed " << seed;
    }
}

}  // namespace
}  // namespace bunch::simulation
