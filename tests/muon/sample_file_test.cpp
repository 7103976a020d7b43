#include "muon/sample_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <limits>

namespace bunch::muon {
namespace {

using testing::HasSubstr;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNotANumber = std::numeric_limits<float>::quiet_NaN();

class SampleFiles : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = testing::TempDir() + std::to_string(::getpid()) + "_muon_sample_files_" +
                  testing::UnitTest::GetInstance()->current_test_info()->name();
        std::filesystem::remove_all(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    /// What reading a sample says whose row 2 is this.
    std::string message(const L1Muon& l1, const OfflineMuon& offline) const {
        MuonSample sample;
        sample.l1.assign(3, L1Muon{10, 20, 30, 1, 12});
        sample.offline.assign(3, OfflineMuon{11, 21, 15});
        sample.l1[2] = l1;
        sample.offline[2] = offline;
        EXPECT_TRUE(write_muons(folder_, sample).ok());
        return read_muons(folder_).status().message();
    }

    std::string folder_;
};

TEST_F(SampleFiles, RefuseMuonsThatCannotBeByFileAndRow) {
    const L1Muon l1{10, 20, 30, 1, 12};
    const OfflineMuon offline{11, 21, 15};
    EXPECT_EQ(message(l1, offline), "");

    for (const float bad : {kInfinity, -kInfinity, kNotANumber, 1e30F}) {
        for (const OfflineMuon& muon :
             {OfflineMuon{bad, 21, 15}, OfflineMuon{11, bad, 15}, OfflineMuon{11, 21, bad}})
            EXPECT_THAT(message(l1, muon), HasSubstr("offline.npy', row 2: phi ")) << bad;
    }
    EXPECT_THAT(message(l1, {11, 21, 0}), HasSubstr("pt at least 0.001"));
    EXPECT_THAT(message(l1, {11, 21, -4}), HasSubstr("pt at least 0.001"));
    EXPECT_THAT(message({10, 20, 0, 1, 12}, offline), HasSubstr("pt 1 to 511"));
    EXPECT_THAT(message({576, 20, 30, 1, 12}, offline), HasSubstr("fields.npy', row 2: a field"));
}

TEST_F(SampleFiles, RefuseAPairThatIsNeitherRealNorFake) {
    PairSample sample;
    sample.first.assign(3, L1Muon{10, 20, 30, 1, 12});
    sample.second = sample.first;
    sample.real = {0, 7, 1};
    ASSERT_TRUE(write_pairs(folder_, sample).ok());

    EXPECT_THAT(read_pairs(folder_).status().message(), HasSubstr("real.npy', row 1 is 7"));
}

TEST(WrappedPhi, IsTheSameAngleWithinHalfATurn) {
    EXPECT_EQ(wrapped_phi(288), -288);
    EXPECT_EQ(wrapped_phi(-288), -288);
    EXPECT_EQ(wrapped_phi(864), -288);
    EXPECT_EQ(wrapped_phi(300.5F), -275.5F);
    EXPECT_EQ(wrapped_phi(-300.5F), 275.5F);
    EXPECT_LE(std::abs(wrapped_phi(1e30F)), 288);
    EXPECT_TRUE(std::isnan(wrapped_phi(kInfinity)));
}

}  // namespace
}  // namespace bunch::muon
