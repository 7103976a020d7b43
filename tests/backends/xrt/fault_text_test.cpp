#include "backends/xrt/fault_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

namespace bunch::test {
namespace {

using testing::HasSubstr;

const fpga::CardName kCard{"1", "0000:65:00.1"};

TEST(FaultText, NamesTheCardWhatWasSeenAndWhatToDo) {
    const DeviceFault fault =
        fpga::describe_fault(FaultKind::dead, kCard, "loading 'm.xclbin' failed");

    EXPECT_EQ(fault.kind, FaultKind::dead);
    EXPECT_TRUE(fault.ends_runner);
    EXPECT_THAT(fault.message, HasSubstr("card 1 (0000:65:00.1): loading 'm.xclbin' failed; "));
    EXPECT_THAT(fault.message, HasSubstr("xbutil reset --device 0000:65:00.1"));
}

TEST(FaultText, HasARemedyOfItsOwnForEachFault) {
    const auto text = [](FaultKind kind) { return fpga::describe_fault(kind, kCard, "x").message; };

    EXPECT_THAT(text(FaultKind::hang), HasSubstr("time_limit in the manifest"));
    EXPECT_THAT(text(FaultKind::call_failed), HasSubstr("--report firewall"));
    EXPECT_THAT(text(FaultKind::gone), HasSubstr("lspci -d 10ee:"));
    EXPECT_THAT(text(FaultKind::load_failed), HasSubstr("bunch xclbin inspect"));
    EXPECT_THAT(text(FaultKind::memory_full), HasSubstr("max_rows"));
    EXPECT_THAT(text(FaultKind::busy), HasSubstr("another process"));
}

TEST(FaultText, EndsTheRunnerOnlyForWhatConcernsTheWholeCard) {
    EXPECT_FALSE(fpga::describe_fault(FaultKind::call_failed, kCard, "x").ends_runner);
    EXPECT_FALSE(fpga::describe_fault(FaultKind::memory_full, kCard, "x").ends_runner);
    EXPECT_TRUE(fpga::describe_fault(FaultKind::busy, kCard, "x").ends_runner);
}

TEST(FaultText, KnowsWhatTheErrorsOfTheDriverMean) {
    EXPECT_EQ(fpga::fault_of_errno(EDEADLK, FaultKind::call_failed), FaultKind::dead);
    EXPECT_EQ(fpga::fault_of_errno(ENODEV, FaultKind::call_failed), FaultKind::gone);
    EXPECT_EQ(fpga::fault_of_errno(EBUSY, FaultKind::call_failed), FaultKind::busy);
    EXPECT_EQ(fpga::fault_of_errno(EPERM, FaultKind::call_failed), FaultKind::busy);
    EXPECT_EQ(fpga::fault_of_errno(ENOMEM, FaultKind::call_failed), FaultKind::memory_full);
    EXPECT_EQ(fpga::fault_of_errno(EIO, FaultKind::load_failed), FaultKind::load_failed);
}

}  // namespace
}  // namespace bunch::test
