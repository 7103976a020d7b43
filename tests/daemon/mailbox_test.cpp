#include "daemon/mailbox.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <memory>
#include <thread>

namespace bunch {
namespace {

bool is_readable(int fd) {
    pollfd wait{fd, POLLIN, 0};
    return ::poll(&wait, 1, 0) == 1;
}

TEST(Mailbox, RefusesNewItemsAtItsBoundButNeverCompletions) {
    Mailbox<int> box(2);

    EXPECT_TRUE(box.try_post(1));
    EXPECT_TRUE(box.try_post(2));
    EXPECT_FALSE(box.try_post(3));
    box.post(4);

    std::vector<int> items;
    box.take_all(items);
    EXPECT_EQ(items, (std::vector<int>{1, 2, 4}));
}

TEST(Mailbox, LeavesARefusedItemWithItsSender) {
    Mailbox<std::unique_ptr<int>> box(0);
    auto item = std::make_unique<int>(5);

    EXPECT_FALSE(box.try_post(std::move(item)));

    EXPECT_EQ(*item, 5);  // NOLINT: not moved from when refused
}

TEST(Mailbox, IsReadableOnlyWhileItemsWait) {
    Mailbox<int> box(10);
    std::vector<int> items;

    EXPECT_FALSE(is_readable(box.fd()));
    box.post(1);
    EXPECT_TRUE(is_readable(box.fd()));
    box.take_all(items);
    EXPECT_FALSE(is_readable(box.fd()));
}

TEST(Mailbox, KeepsTheOrderOfASenderAndLosesNothing) {
    constexpr int kItems = 20000;
    Mailbox<int> box(SIZE_MAX);
    std::jthread sender([&] {
        for (int i = 0; i < kItems; ++i) box.post(int(i));
    });

    std::vector<int> all;
    std::vector<int> items;
    while (all.size() < kItems) {
        pollfd wait{box.fd(), POLLIN, 0};
        ASSERT_EQ(::poll(&wait, 1, 30000), 1);
        box.take_all(items);
        all.insert(all.end(), items.begin(), items.end());
    }

    for (int i = 0; i < kItems; ++i) ASSERT_EQ(all[static_cast<std::size_t>(i)], i);
}

}  // namespace
}  // namespace bunch
