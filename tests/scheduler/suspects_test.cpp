#include "scheduler/suspects.h"

#include <gtest/gtest.h>

namespace bunch {
namespace {

class Suspects : public ::testing::Test {
  protected:
    SuspectGroup batch_of(std::uint64_t count) {
        SuspectGroup group;
        for (std::uint64_t i = 0; i < count; ++i) {
            Ticket ticket;
            ticket.call = CallId{i};
            group.slices.push_back({calls.open(ticket, TimePoint{}), {ticket.call, 0, 1}});
        }
        return group;
    }

    CallTable calls;
};

TEST_F(Suspects, RunAgainInTwoHalves) {
    const SuspectGroup group = batch_of(5);

    const Verdict verdict = judge(group, calls);

    ASSERT_EQ(verdict.again.size(), 2u);
    EXPECT_EQ(verdict.again[0].slices.size(), 2u);
    EXPECT_EQ(verdict.again[1].slices.size(), 3u);
    EXPECT_EQ(verdict.again[0].slices[0].slice.call, CallId{0});
    EXPECT_EQ(verdict.again[1].slices[0].slice.call, CallId{2});
    EXPECT_FALSE(verdict.culprit);
}

TEST_F(Suspects, AreGuiltyWhenLostTwiceAlone) {
    const SuspectGroup group = batch_of(1);

    const Verdict once = judge(group, calls);
    ASSERT_EQ(once.again.size(), 1u);
    EXPECT_FALSE(once.culprit);

    const Verdict twice = judge(once.again[0], calls);
    EXPECT_TRUE(twice.again.empty());
    ASSERT_TRUE(twice.culprit);
    EXPECT_EQ(twice.culprit->slice.call, CallId{0});
}

TEST_F(Suspects, AreForgottenWhenTheirCallHasEnded) {
    const SuspectGroup group = batch_of(2);
    calls.close(group.slices[0].call);

    const Verdict verdict = judge(group, calls);

    ASSERT_EQ(verdict.again.size(), 1u);
    EXPECT_EQ(verdict.again[0].slices.size(), 1u);
    EXPECT_EQ(verdict.again[0].lost_alone, 0) << "it was not alone when the lane was lost";
}

}  // namespace
}  // namespace bunch
