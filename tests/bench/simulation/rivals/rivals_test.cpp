#include "bench/simulation/rivals/rivals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bunch::simulation {
namespace {

using ::testing::HasSubstr;

std::string problem_of(const PolicyChoice& choice) {
    return rival_maker(choice).status().message();
}

TEST(Rivals, EachIsMadeWithItsDefaults) {
    for (const std::string& name : rival_names()) {
        const Result<PolicyMaker> maker = rival_maker({name, {}});
        ASSERT_TRUE(maker.ok()) << name;
        EXPECT_NE((*maker)(1), nullptr) << name;
    }
}

TEST(Rivals, AnUnknownNameIsToldWithThoseThatAreKnown) {
    const std::string problem = problem_of({"fifo", {}});

    EXPECT_THAT(problem, HasSubstr("'fifo'"));
    EXPECT_THAT(problem, HasSubstr("greedy, triton, clockwork, symphony, edf"));
}

TEST(Rivals, AnUnknownSettingIsToldWithThoseThatAreKnown) {
    EXPECT_EQ(problem_of({"triton", {{"delay", 2}}}),
              "policy 'triton' has no setting 'delay', only: delay_ms, preferred, rate_limiter, "
              "cap, instances");
}

TEST(Rivals, AValueOutOfRangeIsToldWithItsRange) {
    EXPECT_EQ(problem_of({"triton", {{"delay_ms", -1}}}),
              "policy 'triton': delay_ms = -1 is not between 0 and 1000000");
}

}  // namespace
}  // namespace bunch::simulation
