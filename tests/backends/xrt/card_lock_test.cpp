#include "backends/xrt/card_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>

namespace bunch::test {
namespace {

using fpga::CardLock;
using testing::HasSubstr;

std::string own_card() {
    return "test-" + std::to_string(::getpid());
}

TEST(CardLock, IsHeldByOneAndNamesIt) {
    std::optional<CardLock> first = CardLock::acquire(own_card()).value();

    EXPECT_THAT(CardLock::acquire(own_card()).status().message(),
                HasSubstr("in use by process " + std::to_string(::getpid())));
    EXPECT_TRUE(CardLock::acquire(own_card() + "-other").ok());
    first.reset();
    EXPECT_TRUE(CardLock::acquire(own_card()).ok());
}

TEST(CardLock, GoesWithItsProcessHoweverThatEnds) {
    const std::string card = own_card();
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const auto lock = CardLock::acquire(card);
        static_cast<void>(!::write(pipe[1], "x", 1));
        for (;;) ::pause();
    }
    char byte = 0;
    ASSERT_EQ(::read(pipe[0], &byte, 1), 1);

    EXPECT_THAT(CardLock::acquire(card).status().message(),
                HasSubstr("process " + std::to_string(child)));
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    EXPECT_TRUE(CardLock::acquire(card).ok());
}

}  // namespace
}  // namespace bunch::test
