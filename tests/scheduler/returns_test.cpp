#include "scheduler/returns.h"

#include <gtest/gtest.h>

#include <chrono>

namespace bunch {
namespace {

using namespace std::chrono_literals;

TimePoint at(Duration since_start) {
    return TimePoint{} + 1h + since_start;
}

/// Four clients of model 0 come back to `next` after 100 us, 64 times, until 64 ms. The bin of
/// 100 us reaches from 96 to 112 us.
void come_back_64_times(Returns& returns, Index next = 0) {
    for (std::uint64_t i = 0; i < 64; ++i) {
        returns.answered(at(static_cast<Duration::rep>(i) * 1ms), ClientId{i % 4 + 1}, 0);
        returns.came(at(static_cast<Duration::rep>(i) * 1ms + 100us), ClientId{i % 4 + 1}, next);
    }
}

double expected(const Returns& returns, Index model, TimePoint at, Duration within,
                const std::vector<AnswersToCome>& to_come = {}) {
    Returns::Outlook outlook;
    returns.look(model, at, to_come, outlook);
    return outlook.within(within);
}

TEST(Returns, ExpectNothingOfClientsWithoutAName) {
    Returns returns;
    come_back_64_times(returns);
    returns.answered(at(1s), ClientId{0}, 0);

    EXPECT_FALSE(returns.came(at(1s + 1us), ClientId{0}, 0));
    EXPECT_EQ(expected(returns, 0, at(1s), 1s), 0);
}

TEST(Returns, ExpectNothingBeforeAFewHaveComeBack) {
    Returns returns;
    for (std::uint64_t i = 1; i <= 7; ++i) {
        returns.answered(at(0ms), ClientId{i}, 0);
        returns.came(at(100us), ClientId{i}, 0);
    }
    returns.answered(at(1ms), ClientId{1}, 0);

    EXPECT_TRUE(returns.expects(0));
    EXPECT_EQ(expected(returns, 0, at(1ms), 1s), 0);
}

TEST(Returns, ACallFollowsAnAnswerOnce) {
    Returns returns;

    EXPECT_FALSE(returns.came(at(0ms), ClientId{1}, 0));
    returns.answered(at(1ms), ClientId{1}, 0);
    EXPECT_TRUE(returns.came(at(2ms), ClientId{1}, 0));
    EXPECT_FALSE(returns.came(at(3ms), ClientId{1}, 0));
}

TEST(Returns, ClientsWithSeveralCallsComeBackAsOftenAsTheyAreAnswered) {
    Returns returns;
    returns.answered(at(1ms), ClientId{1}, 0);
    returns.answered(at(1ms), ClientId{1}, 0);

    EXPECT_TRUE(returns.came(at(2ms), ClientId{1}, 0));
    EXPECT_TRUE(returns.came(at(2ms), ClientId{1}, 0));
    EXPECT_FALSE(returns.came(at(2ms), ClientId{1}, 0));
}

TEST(Returns, ExpectThoseWhoWereAnsweredAfterTheTimeThatTheyUsuallyTake) {
    Returns returns;
    come_back_64_times(returns);
    for (std::uint64_t i = 1; i <= 4; ++i) returns.answered(at(1s), ClientId{i}, 0);

    EXPECT_DOUBLE_EQ(expected(returns, 0, at(1s), 96us), 0);
    EXPECT_DOUBLE_EQ(expected(returns, 0, at(1s), 104us), 2);
    EXPECT_DOUBLE_EQ(expected(returns, 0, at(1s), 112us), 4);
    EXPECT_DOUBLE_EQ(expected(returns, 0, at(1s), 1s), 4);
}

TEST(Returns, ExpectOfThoseWhoAreStillAwayWhatIsLeftOfTheUsualTimes) {
    Returns returns;
    come_back_64_times(returns);
    for (std::uint64_t i = 1; i <= 4; ++i) returns.answered(at(1s), ClientId{i}, 0);

    // Half of the bin is over, and all of them will come within the other half.
    EXPECT_DOUBLE_EQ(expected(returns, 0, at(1s + 104us), 4us), 2);
    EXPECT_DOUBLE_EQ(expected(returns, 0, at(1s + 104us), 8us), 4);
    EXPECT_DOUBLE_EQ(expected(returns, 0, at(1s + 112us), 1s), 0) << "they are overdue";
}

TEST(Returns, NoLongerExpectThoseWhoHaveCome) {
    Returns returns;
    come_back_64_times(returns);
    for (std::uint64_t i = 1; i <= 4; ++i) returns.answered(at(1s), ClientId{i}, 0);
    for (std::uint64_t i = 1; i <= 3; ++i) returns.came(at(1s + 50us), ClientId{i}, 0);

    EXPECT_NEAR(expected(returns, 0, at(1s + 50us), 1s), 1, 0.05);
}

TEST(Returns, KnowWhichModelComesNext) {
    Returns returns;
    come_back_64_times(returns, 5);
    returns.answered(at(1s), ClientId{1}, 0);

    EXPECT_FALSE(returns.expects(0));
    EXPECT_DOUBLE_EQ(expected(returns, 0, at(1s), 1s), 0);
    EXPECT_DOUBLE_EQ(expected(returns, 5, at(1s), 1s), 1);
}

TEST(Returns, ExpectAlsoThoseWhoWillBeAnswered) {
    Returns returns;
    come_back_64_times(returns);
    const std::vector<AnswersToCome> to_come = {{0, at(1s + 1ms), 6}};

    EXPECT_DOUBLE_EQ(expected(returns, 0, at(1s), 1ms, to_come), 0);
    EXPECT_DOUBLE_EQ(expected(returns, 0, at(1s), 1ms + 104us, to_come), 3);
    EXPECT_DOUBLE_EQ(expected(returns, 0, at(1s), 2ms, to_come), 6);
}

TEST(Returns, LearnThatSomeNeverComeBack) {
    Returns returns;
    come_back_64_times(returns);
    // 64 are answered and never seen again; 16 groups are remembered, the 48 before count as lost.
    for (int i = 0; i < 64; ++i)
        returns.answered(at(1s + i * 1ms), ClientId{100 + static_cast<std::uint64_t>(i)}, 0);
    returns.answered(at(2s), ClientId{1}, 0);

    // One group more has been forgotten for the new one.
    EXPECT_NEAR(expected(returns, 0, at(2s), 1s), 64.0 / (64 + 49), 1e-9);
}

TEST(Returns, ForgetAModelWhoseNumberIsUsedAgain) {
    Returns returns;
    come_back_64_times(returns);
    returns.answered(at(1s), ClientId{1}, 0);

    returns.forget_model(0);

    EXPECT_FALSE(returns.expects(0));
    EXPECT_EQ(expected(returns, 0, at(1s), 1s), 0);
    EXPECT_FALSE(returns.came(at(1s + 100us), ClientId{1}, 0));
}

TEST(Returns, OfCallsBeforeTheirAnswerAreNoMatter) {
    Returns returns;
    come_back_64_times(returns);
    returns.answered(at(1s), ClientId{1}, 0);

    EXPECT_TRUE(returns.came(at(1s - 5ms), ClientId{1}, 0)) << "the clock may have gone back";
    EXPECT_EQ(expected(returns, 0, at(1s - 5ms), -1s), 0);
}

}  // namespace
}  // namespace bunch
