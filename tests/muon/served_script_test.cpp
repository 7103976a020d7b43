// tools/muon-served where a program is missing: what it says, and that it does not go on. Nothing
// is installed or built here: the PATH has neither apt-get nor CMake.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "muon/rtl/programs.h"
#include "muon/sample_file.h"

namespace bunch::muon {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class MuonServed : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = testing::TempDir() + std::to_string(::getpid()) + "_muon_served_" +
                  testing::UnitTest::GetInstance()->current_test_info()->name();
        fs::remove_all(folder_);
        for (const char* task : {"recalibration", "pair"})
            ASSERT_TRUE(write_text(folder_ + "/" + task + ".onnx", "not read").ok());
        fs::create_directories(folder_ + "/bin");
        for (const char* name : {"awk", "basename", "dirname", "id", "mkdir", "realpath", "sed"})
            fs::create_symlink(std::string("/usr/bin/") + name, folder_ + "/bin/" + name);
        const std::string dpkg = folder_ + "/bin/dpkg-query";  // every package is there
        ASSERT_TRUE(write_text(dpkg, "#!/bin/sh\necho installed\n").ok());
        fs::permissions(dpkg, fs::perms::owner_all);
    }
    void TearDown() override { fs::remove_all(folder_); }

    /// What it says when it fails.
    std::string error_with(const std::string& option) const {
        return output_of("PATH=" + quoted(folder_ + "/bin") + " " + quoted(BUNCH_MUON_SERVED) +
                         " " + option + " " + quoted(folder_))
            .status()
            .message();
    }

    std::string folder_;
};

TEST_F(MuonServed, DoesNotPassWithoutRtlWhereVerilatorIsMissing) {
    const std::string said = error_with("");

    EXPECT_THAT(said, HasSubstr("muon-served: Verilator is not in the PATH"));
    EXPECT_THAT(said, HasSubstr("install the package verilator, or leave the RTL out"));
    EXPECT_THAT(said, Not(HasSubstr("2/3 build")));
}

TEST_F(MuonServed, LeavesTheRtlOutWhereItIsAskedTo) {
    const std::string said = error_with("--without-rtl");

    EXPECT_THAT(said, HasSubstr("2/3 build"));  // and no further, without CMake
    EXPECT_THAT(said, Not(HasSubstr("Verilator")));
}

}  // namespace
}  // namespace bunch::muon
