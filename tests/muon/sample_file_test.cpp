#include "muon/sample_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <limits>

namespace bunch::muon {
namespace {

using testing::AllOf;
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
        EXPECT_TRUE(write_text(folder_ + "/generate.json", "{}").ok());
        return read_muons(folder_).status().message();
    }

    /// A sample of both kinds, three of each.
    void write_both() const {
        MuonSample muons;
        muons.l1.assign(3, L1Muon{10, 20, 30, 1, 12});
        muons.offline.assign(3, OfflineMuon{11, 21, 15});
        ASSERT_TRUE(write_muons(folder_, muons).ok());
        ASSERT_TRUE(write_pairs(folder_, three_pairs()).ok());
        ASSERT_TRUE(write_text(folder_ + "/generate.json", "{}").ok());
    }

    static PairSample three_pairs() {
        PairSample pairs;
        pairs.first.assign(3, L1Muon{10, 20, 30, 1, 12});
        pairs.second = pairs.first;
        pairs.real = {0, 1, 1};
        return pairs;
    }

    std::string folder_;
};

TEST_F(SampleFiles, AreNoSampleUntilTheRecordIsWritten) {
    write_both();
    ASSERT_TRUE(read_muons(folder_).ok() && read_pairs(folder_).ok());
    std::filesystem::remove(folder_ + "/generate.json");

    EXPECT_THAT(read_muons(folder_).status().message(),
                AllOf(HasSubstr("there is no"), HasSubstr("generate it again")));
    EXPECT_THAT(read_pairs(folder_).status().message(), HasSubstr("generate it again"));
}

TEST_F(SampleFiles, OfTwoSamplesAreRefused) {
    for (const char* second : {"/muons/offline.npy", "/pairs/real.npy"}) {
        write_both();
        std::filesystem::create_directories(folder_ + second + ".tmp");
        MuonSample muons;
        muons.l1.assign(3, L1Muon{40, 50, 60, 0, 8});
        muons.offline.assign(3, OfflineMuon{41, 51, 30});
        PairSample pairs = three_pairs();
        pairs.first[0].phi = 100;

        const bool written = write_muons(folder_, muons).ok() && write_pairs(folder_, pairs).ok();

        EXPECT_FALSE(written) << second;
        EXPECT_FALSE(read_muons(folder_).ok()) << second;
        EXPECT_FALSE(read_pairs(folder_).ok()) << second;
        std::filesystem::remove_all(folder_);
    }
}

TEST_F(SampleFiles, AreNotChangedUnderARecordThatStays) {
    write_both();
    const std::string record = folder_ + "/generate.json", fields = folder_ + "/pairs/fields.npy";
    std::filesystem::remove(record);
    std::filesystem::create_directories(record + "/something");
    const std::string before = *read_text(fields);
    PairSample pairs = three_pairs();
    pairs.first[0].phi = 100;

    EXPECT_THAT(write_pairs(folder_, pairs).message(),
                AllOf(HasSubstr("generate.json' is of older files"), HasSubstr("remove it")));
    EXPECT_EQ(*read_text(fields), before);
}

TEST_F(SampleFiles, WithoutRowsAreRefused) {
    write_both();
    const std::string muons = folder_ + "/muons/fields.npy", pairs = folder_ + "/pairs/fields.npy";
    ASSERT_TRUE(write_integers(muons, {}, kMuonFields).ok());
    ASSERT_TRUE(write_integers(pairs, {}, 2 * kMuonFields).ok());

    EXPECT_THAT(read_muons(folder_).status().message(), HasSubstr("muons/fields.npy' is empty"));
    EXPECT_THAT(read_pairs(folder_).status().message(), HasSubstr("pairs/fields.npy' is empty"));
}

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
    PairSample sample = three_pairs();
    sample.real[1] = 7;
    ASSERT_TRUE(write_pairs(folder_, sample).ok());
    ASSERT_TRUE(write_text(folder_ + "/generate.json", "{}").ok());

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
