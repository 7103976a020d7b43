#include "backends/wire/arena.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

namespace bunch {
namespace {

using testing::HasSubstr;

UniqueFd copy_of(int fd) {
    return UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

TEST(Arena, IsOneMemoryForBothEnds) {
    auto ours = Arena::create("test", 10000);
    ASSERT_TRUE(ours.ok());
    EXPECT_EQ(ours->bytes().size(), 12288u);

    auto theirs = Arena::attach(copy_of(ours->fd()), 12288);
    ASSERT_TRUE(theirs.ok()) << theirs.status().to_string();
    theirs->bytes()[12287] = std::byte{42};

    EXPECT_EQ(ours->bytes()[12287], std::byte{42});
    EXPECT_NE(ours->bytes().data(), theirs->bytes().data());
}

TEST(Arena, CannotBeShrunkUnderTheOtherEnd) {
    const auto arena = Arena::create("test", 8192);
    ASSERT_TRUE(arena.ok());

    EXPECT_NE(::ftruncate(arena->fd(), 4096), 0);
    EXPECT_NE(::ftruncate(arena->fd(), 16384), 0);
}

TEST(Arena, RefusesMemoryThatCouldBeShrunk) {
    UniqueFd open(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    ASSERT_EQ(::ftruncate(open.get(), 8192), 0);

    const auto arena = Arena::attach(std::move(open), 8192);

    EXPECT_EQ(arena.status().code(), StatusCode::invalid_argument);
    EXPECT_THAT(arena.status().message(), HasSubstr("sealed"));
}

TEST(Arena, RefusesAnotherSizeThanWasSaid) {
    const auto arena = Arena::create("test", 8192);
    ASSERT_TRUE(arena.ok());

    EXPECT_THAT(Arena::attach(copy_of(arena->fd()), 4096).status().message(),
                HasSubstr("8192 bytes, the message says 4096"));
    EXPECT_FALSE(Arena::attach(copy_of(arena->fd()), 0).ok());
    EXPECT_FALSE(Arena::attach(UniqueFd(), 8192).ok());
}

TEST(Arena, RefusesImpossibleSizes) {
    EXPECT_EQ(Arena::create("test", 0).status().code(), StatusCode::invalid_argument);
    EXPECT_EQ(Arena::create("test", std::uint64_t{1} << 63).status().code(),
              StatusCode::invalid_argument);
}

}  // namespace
}  // namespace bunch
