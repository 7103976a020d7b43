#include "daemon/peer_table.h"

#include <gtest/gtest.h>

namespace bunch {
namespace {

TEST(PeerTable, FindsAPeerAgainByItsRoutingId) {
    PeerTable peers(10);
    Peer* a = peers.find_or_add("a");

    EXPECT_EQ(peers.find_or_add("a"), a);
    EXPECT_NE(peers.find_or_add("b"), a);
    EXPECT_EQ(&peers.at(a->index), a);
}

TEST(PeerTable, MakesRoomByForgettingPeersThatHoldNothing) {
    PeerTable peers(2);
    Peer* busy = peers.find_or_add("busy");
    busy->open_calls = 1;
    peers.find_or_add("idle");

    EXPECT_NE(peers.find_or_add("new"), nullptr);

    EXPECT_EQ(peers.size(), 2u);
    EXPECT_EQ(peers.find_or_add("busy"), busy);
}

TEST(PeerTable, HasNoPlaceForANewPeerWhileAllHoldSomething) {
    PeerTable peers(2);
    peers.find_or_add("calls")->open_calls = 1;
    Peer* slow = peers.find_or_add("reads slowly");
    slow->unsent.bytes = 100;

    EXPECT_EQ(peers.find_or_add("new"), nullptr);
    slow->unsent.bytes = 0;
    EXPECT_NE(peers.find_or_add("new"), nullptr);
}

}  // namespace
}  // namespace bunch
