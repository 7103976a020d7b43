#include "scheduler/client_order.h"

#include <gtest/gtest.h>

namespace bunch {
namespace {

constexpr Index kModel = 3;
constexpr Index kLane = 7;
constexpr Index kOther = 8;
constexpr ClientId kClient{42};

class Order : public ::testing::Test {
  protected:
    Index open(std::uint64_t call, ClientId client = kClient) {
        Ticket ticket;
        ticket.call = CallId{call};
        ticket.client = client;
        return calls.open(ticket, TimePoint{});
    }
    Index wait(std::uint64_t call, ClientId client = kClient) {
        const Index index = open(call, client);
        order.waits(calls, kModel, index);
        return index;
    }
    void go(Index call) {
        order.went(kModel, calls[call].ticket.client, kLane);
        order.waits_no_more(calls, kModel, call);
    }

    CallTable calls;
    ClientOrder order;
};

TEST_F(Order, LetsTheOldestCallGoAnywhere) {
    const Index call = wait(1);

    EXPECT_TRUE(order.may_go(kModel, kClient, call, kLane));
    EXPECT_TRUE(order.may_go(kModel, kClient, call, kOther));
}

TEST_F(Order, KeepsTheNextWaitingUntilTheOldestHasGone) {
    const Index first = wait(1);
    const Index second = wait(2);
    EXPECT_FALSE(order.may_go(kModel, kClient, second, kLane));

    go(first);

    EXPECT_TRUE(order.may_go(kModel, kClient, second, kLane)) << "behind the first";
    EXPECT_FALSE(order.may_go(kModel, kClient, second, kOther));
}

TEST_F(Order, LetsTheNextGoAnywhereWhenTheOldestIsThrough) {
    const Index first = wait(1);
    const Index second = wait(2);
    go(first);

    order.left(kModel, kClient);

    EXPECT_TRUE(order.may_go(kModel, kClient, second, kOther));
}

TEST_F(Order, WaitsForEverySliceThatIsElsewhere) {
    const Index first = wait(1);
    const Index second = wait(2);
    order.went(kModel, kClient, kLane);
    go(first);

    order.left(kModel, kClient);
    EXPECT_FALSE(order.may_go(kModel, kClient, second, kOther));
    order.left(kModel, kClient);
    EXPECT_TRUE(order.may_go(kModel, kClient, second, kOther));
}

TEST_F(Order, PutsACallThatComesBackBeforeTheNewerOnes) {
    const Index first = wait(1);
    const Index second = wait(2);
    go(first);

    order.left(kModel, kClient);
    order.waits(calls, kModel, first);

    EXPECT_TRUE(order.may_go(kModel, kClient, first, kOther));
    EXPECT_FALSE(order.may_go(kModel, kClient, second, kOther));
}

TEST_F(Order, ForgetsACallInTheMiddle) {
    const Index first = wait(1);
    const Index second = wait(2);
    const Index third = wait(3);

    order.waits_no_more(calls, kModel, second);
    go(first);

    EXPECT_TRUE(order.may_go(kModel, kClient, third, kLane));
}

TEST_F(Order, IsNoMatterBetweenClientsAndModels) {
    const Index mine = wait(1);
    const Index theirs = wait(2, ClientId{43});
    const Index elsewhere = open(3);
    order.waits(calls, kModel + 1, elsewhere);

    EXPECT_TRUE(order.may_go(kModel, kClient, mine, kLane));
    EXPECT_TRUE(order.may_go(kModel, ClientId{43}, theirs, kLane));
    EXPECT_TRUE(order.may_go(kModel + 1, kClient, elsewhere, kLane));
}

TEST_F(Order, KnowsWhetherAClientIsElsewhere) {
    const Index call = wait(1);
    EXPECT_TRUE(order.is_not_elsewhere(kModel, kClient, kLane));
    EXPECT_TRUE(order.is_not_elsewhere(kModel, ClientId{99}, kLane));

    go(call);

    EXPECT_TRUE(order.is_not_elsewhere(kModel, kClient, kLane));
    EXPECT_FALSE(order.is_not_elsewhere(kModel, kClient, kOther));
}

}  // namespace
}  // namespace bunch
