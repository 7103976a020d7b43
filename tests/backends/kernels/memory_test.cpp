#include "backends/kernels/memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bunch::kernels {
namespace {

TEST(KernelMemory, GivesABlockAgainOnceNobodyHoldsIt) {
    Memory memory(1 << 20);
    std::byte* first = nullptr;
    {
        const auto block = memory.take(1000);
        ASSERT_TRUE(block.ok());
        first = block->get();
        const auto other = memory.take(1000);
        EXPECT_NE(other->get(), first);
    }

    EXPECT_EQ(memory.take(900)->get(), first);
    EXPECT_EQ(memory.held(), 2048U);
    EXPECT_EQ(memory.peak(), 2048U);
}

TEST(KernelMemory, RefusesBeyondItsLimitButLetsUnusedBlocksGoFirst) {
    Memory memory(4096);
    {
        const auto small = memory.take(1024);
        const auto refused = memory.take(4000);
        EXPECT_EQ(refused.status().code(), StatusCode::resource_exhausted);
        EXPECT_THAT(refused.status().message(), testing::HasSubstr("limit of 4096"));
    }

    EXPECT_TRUE(memory.take(4000).ok());
    EXPECT_FALSE(memory.take(UINT64_MAX - 100).ok());
}

}  // namespace
}  // namespace bunch::kernels
