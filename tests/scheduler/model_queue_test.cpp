#include "scheduler/model_queue.h"

#include <gtest/gtest.h>

#include <random>

#include "scheduler/expiry.h"

namespace bunch {
namespace {

Ticket ticket(std::uint64_t call, std::uint32_t rows, std::uint8_t priority = 0,
              ShapeClass shape_class = 0) {
    Ticket made;
    made.call = CallId{call};
    made.rows = rows;
    made.bytes = 10 * rows;
    made.priority = priority;
    made.shape_class = shape_class;
    return made;
}

class Queue : public ::testing::Test {
  protected:
    Index add(const Ticket& ticket) {
        const Index call = calls.open(ticket, TimePoint{});
        calls[call].tier = tier_of(ticket.priority, false);
        queue.push_back(calls, call);
        return call;
    }
    std::vector<Slice> take_all(std::size_t line, std::uint32_t rows) {
        std::vector<Slice> slices;
        while (queue.lines()[line].head != kNone) slices.push_back(take(line, rows).slice);
        return slices;
    }
    /// Of the first piece of a line.
    HeldSlice take(std::size_t line, std::uint32_t rows) {
        return queue.take(calls, line, queue.lines()[line].head, rows);
    }

    CallTable calls;
    ModelQueue queue;
};

TEST_F(Queue, GivesRowsInTheOrderOfArrival) {
    add(ticket(1, 2));
    add(ticket(2, 5));

    EXPECT_EQ(take_all(0, 3),
              (std::vector<Slice>{{CallId{1}, 0, 2}, {CallId{2}, 0, 3}, {CallId{2}, 3, 2}}));
}

TEST_F(Queue, PutsReturnedRowsWhereTheyHadStood) {
    add(ticket(1, 4));
    add(ticket(2, 1));
    const HeldSlice first = take(0, 2);
    const HeldSlice second = take(0, 2);
    const HeldSlice third = take(0, 1);
    add(ticket(3, 1));

    queue.put_back(calls, third);
    queue.put_back(calls, first);
    queue.put_back(calls, second);

    EXPECT_EQ(take_all(0, 9),
              (std::vector<Slice>{
                  {CallId{1}, 0, 2}, {CallId{1}, 2, 2}, {CallId{2}, 0, 1}, {CallId{3}, 0, 1}}));
}

TEST_F(Queue, DropsEveryPieceOfACallAndNoOther) {
    const Index call = add(ticket(1, 6));
    add(ticket(2, 1));
    const HeldSlice first = take(0, 2);
    const HeldSlice second = take(0, 2);
    queue.put_back(calls, first);
    queue.add_suspects(calls, {{second}, 1}, false);

    queue.drop(calls, call);

    EXPECT_FALSE(queue.has_suspects());
    EXPECT_EQ(queue.rows(), 1u);
    EXPECT_EQ(take_all(0, 9), (std::vector<Slice>{{CallId{2}, 0, 1}}));
}

TEST_F(Queue, CountsACallUntilItsLastRowIsTaken) {
    add(ticket(1, 4));

    take(0, 3);
    EXPECT_EQ(queue.calls(), 1u);
    EXPECT_EQ(queue.rows(), 1u);
    EXPECT_EQ(queue.bytes(), 40u);

    take(0, 3);
    EXPECT_EQ(queue.calls(), 0u);
    EXPECT_EQ(queue.bytes(), 0u);
    EXPECT_TRUE(queue.empty());
}

TEST_F(Queue, KeepsPrioritiesAndShapesApart) {
    add(ticket(1, 1, 7, 0));
    add(ticket(2, 1, 0, 5));
    add(ticket(3, 1, 0, 4));

    ASSERT_EQ(queue.lines().size(), 3u);
    EXPECT_EQ(take_all(0, 1), (std::vector<Slice>{{CallId{3}, 0, 1}}));
    EXPECT_EQ(take_all(1, 1), (std::vector<Slice>{{CallId{2}, 0, 1}}));
    EXPECT_EQ(take_all(2, 1), (std::vector<Slice>{{CallId{1}, 0, 1}}));
}

TEST_F(Queue, DoesNotKeepALineForEveryShapeItEverSaw) {
    for (std::uint64_t i = 0; i < 10'000; ++i) {
        const Index call = add(ticket(i, 1, 0, static_cast<ShapeClass>(i)));
        queue.drop(calls, call);
        calls.close(call);
    }

    EXPECT_LE(queue.lines().size(), 64u);
}

TEST_F(Queue, CutsSuspectsToTheLimitOfTheLane) {
    add(ticket(1, 3));
    add(ticket(2, 3));
    SuspectGroup group;
    group.slices = {take(0, 3), take(0, 3)};
    queue.add_suspects(calls, group, false);

    EXPECT_EQ(queue.take_suspects(calls, 4).rows(), 4u);
    const SuspectGroup rest = queue.take_suspects(calls, 4);
    ASSERT_EQ(rest.slices.size(), 1u);
    EXPECT_EQ(rest.slices[0].slice, (Slice{CallId{2}, 1, 2}));
    EXPECT_FALSE(queue.has_suspects());
}

TEST(CallTable, KnowsWhenAKeptSliceBelongsToACallThatHasEnded) {
    CallTable calls;
    const Index call = calls.open(ticket(1, 1), TimePoint{});
    const HeldSlice held{call, {CallId{1}, 0, 1}, {}};

    calls.close(call);
    EXPECT_FALSE(calls.is_open(held));

    EXPECT_EQ(calls.open(ticket(2, 1), TimePoint{}), call);  // the record is used again
    EXPECT_FALSE(calls.is_open(held));
}

TEST(Expiry, GivesCallsByDeadline) {
    Expiry expiry;
    expiry.add(TimePoint{Duration(30)}, CallId{3});
    expiry.add(TimePoint{Duration(10)}, CallId{1});
    expiry.add(TimePoint{Duration(20)}, CallId{2});

    EXPECT_EQ(expiry.pop(TimePoint{Duration(9)}), std::nullopt);
    EXPECT_EQ(expiry.pop(TimePoint{Duration(20)}), CallId{1});
    EXPECT_EQ(expiry.pop(TimePoint{Duration(20)}), CallId{2});
    EXPECT_EQ(expiry.pop(TimePoint{Duration(20)}), std::nullopt);
    EXPECT_EQ(expiry.next(), TimePoint{Duration(30)});
}

TEST(Expiry, ForgetsCallsThatNoLongerWait) {
    Expiry expiry;
    for (std::uint64_t i = 0; i < 10'000; ++i) expiry.add(TimePoint{Duration(i)}, CallId{i});

    expiry.prune(1, [](CallId call) { return call == CallId{5'000}; });

    EXPECT_EQ(expiry.pop(kNever), CallId{5'000});
    EXPECT_EQ(expiry.next(), std::nullopt);
}

}  // namespace
}  // namespace bunch
