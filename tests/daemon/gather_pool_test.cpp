#include "daemon/gather_pool.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>

namespace bunch {
namespace {

TEST(GatherPool, CopiesEveryPartAndHandsTheJobBack) {
    GatherPool pool(2);
    Tensor source{DataType::u8, Shape{100, 1000}, Buffer::allocate(100000)};
    std::fill(source.buffer.bytes().begin(), source.buffer.bytes().end(), std::byte{9});
    std::vector<Tensor> targets;
    for (int i = 0; i < 8; ++i)
        targets.push_back({DataType::u8, Shape{100, 1000}, Buffer::allocate(100000)});

    for (std::uint32_t i = 0; i < targets.size(); ++i) {
        GatherJob job;
        job.slot = SlotId{i};
        job.parts.push_back({{RowRange{std::as_const(source).view(), 0, 100}}, targets[i].view()});
        pool.post(std::move(job));
    }

    std::vector<GatherJob> jobs;
    std::vector<bool> back(targets.size());
    for (std::size_t count = 0; count < targets.size();) {
        pollfd wait{pool.finished().fd(), POLLIN, 0};
        ASSERT_EQ(::poll(&wait, 1, 30000), 1);
        pool.finished().take_all(jobs);
        for (const GatherJob& job : jobs) back[job.slot.value] = true;
        count += jobs.size();
    }
    EXPECT_EQ(std::count(back.begin(), back.end(), true), 8);
    for (const Tensor& target : targets) {
        EXPECT_TRUE(std::all_of(target.buffer.bytes().begin(), target.buffer.bytes().end(),
                                [](std::byte b) { return b == std::byte{9}; }));
    }
}

}  // namespace
}  // namespace bunch
