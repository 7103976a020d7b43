#include "daemon/call_slab.h"

#include <gtest/gtest.h>

namespace bunch {
namespace {

CallId open_call(CallSlab& slab, std::size_t bytes, std::uint32_t rows = 1) {
    OpenCall& open = slab.draft();
    open.call.rows = rows;
    open.call.inputs.push_back(
        {DataType::u8, Shape{static_cast<std::int64_t>(bytes)}, Buffer::allocate(bytes)});
    return slab.open();
}

TEST(CallSlab, CountsCallsAndBytesWhileTheyAreOpen) {
    CallSlab slab(10, 1000);
    const CallId a = open_call(slab, 100, 3);

    EXPECT_EQ(slab.find(a)->rows_left, 3u);
    EXPECT_EQ(slab.open_calls(), 1u);
    EXPECT_EQ(slab.open_bytes(), 100u);
    slab.close(a);
    EXPECT_EQ(slab.open_calls(), 0u);
    EXPECT_EQ(slab.open_bytes(), 0u);
}

TEST(CallSlab, FindsNothingUnderTheIdOfAClosedCallWhoseEntryIsUsedAgain) {
    CallSlab slab(10, 1000);
    const CallId old = open_call(slab, 1);
    slab.close(old);
    const CallId young = open_call(slab, 1);

    EXPECT_EQ(slab.find(old), nullptr);
    EXPECT_NE(slab.find(young), nullptr);
    EXPECT_EQ(slab.find(CallId{12345}), nullptr);
}

TEST(CallSlab, HasNoRoomBeyondItsCallsOrBytes) {
    CallSlab slab(2, 100);
    open_call(slab, 60);

    EXPECT_TRUE(slab.has_room(40));
    EXPECT_FALSE(slab.has_room(41));
    open_call(slab, 0);
    EXPECT_FALSE(slab.has_room(0));
}

TEST(CallSlab, KeepsTheBytesOfAClosedCallUntilItsLastPinGoes) {
    CallSlab slab(10, 1000);
    const CallId id = open_call(slab, 100);
    slab.pin(id);
    slab.pin(id);

    slab.close(id);
    EXPECT_EQ(slab.find(id), nullptr);
    slab.unpin(id);
    EXPECT_EQ(slab.open_bytes(), 100u);
    slab.unpin(id);
    EXPECT_EQ(slab.open_bytes(), 0u);
}

TEST(CallSlab, AnAbandonedDraftLeavesNothingBehind) {
    CallSlab slab(10, 1000);
    slab.draft().call.inputs.push_back({DataType::u8, Shape{9}, Buffer::allocate(9)});

    slab.abandon();

    EXPECT_EQ(slab.open_calls(), 0u);
    EXPECT_EQ(slab.open_bytes(), 0u);
    EXPECT_TRUE(slab.draft().call.inputs.empty());
}

TEST(CallSlab, VisitsEveryOpenCallOnce) {
    CallSlab slab(10, 1000);
    const CallId a = open_call(slab, 1);
    const CallId b = open_call(slab, 1);
    slab.close(a);
    std::vector<CallId> seen;

    slab.for_each([&](CallId id, OpenCall&) { seen.push_back(id); });

    EXPECT_EQ(seen, std::vector<CallId>{b});
}

}  // namespace
}  // namespace bunch
