// Thousands of whole lives of the scheduler. A broken promise prints the seed of its life; run that
// one alone with BUNCH_SIMULATION_SEED, and more of them with BUNCH_SIMULATION_LIVES.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/simulation/world.h"

namespace bunch::simulation {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(WholeLife, KeepsEveryPromiseWhateverHappens) {
    const std::uint64_t first = from_environment("BUNCH_SIMULATION_SEED", 1);
    const std::uint64_t lives = from_environment("BUNCH_SIMULATION_LIVES", 3000);
    std::uint64_t calls = 0;
    std::uint64_t answered = 0;
    std::uint64_t rejected = 0;

    int broken = 0;

    for (std::uint64_t seed = first; seed < first + lives && broken < 10; ++seed) {
        World world(seed);
        world.run();
        EXPECT_EQ(world.problem(), "") << "seed " << seed;
        if (!world.problem().empty()) ++broken;
        calls += world.ledger().calls();
        answered += world.ledger().answered();
        rejected += world.ledger().rejected();
    }

    // The lives must be worth watching: some calls are answered, some rejected, in good numbers.
    if (lives >= 100) {
        EXPECT_GT(answered, calls / 4);
        EXPECT_GT(rejected, calls / 20);
    }
    std::printf("%llu lives from seed %llu: %llu calls, %llu answered, %llu rejected\n",
                static_cast<unsigned long long>(lives), static_cast<unsigned long long>(first),
                static_cast<unsigned long long>(calls), static_cast<unsigned long long>(answered),
                static_cast<unsigned long long>(rejected));
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
