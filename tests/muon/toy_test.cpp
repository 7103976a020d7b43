#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "muon/histograms.h"
#include "muon/sample_file.h"
#include "muon/toy/primitive.h"
#include "muon/toy/sample.h"

namespace bunch::muon {
namespace {

using testing::HasSubstr;

const OnProgress kQuiet = [](double) {};

MuonSample muons(std::size_t count, std::uint64_t seed, unsigned threads = 2) {
    auto made = generate_muons({seed, 7, count, threads}, kQuiet);
    EXPECT_TRUE(made.ok()) << made.status().to_string();
    return std::move(made).value();
}

TEST(Toy, GivesTheSameMuonsOnAnyNumberOfThreads) {
    const MuonSample one = muons(9'000, 5, 1), three = muons(9'000, 5, 3);

    EXPECT_EQ(one.l1, three.l1);
    EXPECT_NE(one.l1, muons(9'000, 6, 1).l1);
}

TEST(Toy, BendsAMuonByItsChargeAndMoreIfItIsSofter) {
    const Detector detector(1);
    const auto bend = [&](double pt, int charge) {
        Random random(2);
        const auto hits = detector.hits_of(track_of({1.0, 0.3, pt, charge, 0}), random);
        EXPECT_GE(hits.size(), 2U);
        return hits.empty() ? 0 : hits[0].phi - 1.0;
    };

    EXPECT_LT(bend(20, 1), -0.05);
    EXPECT_GT(bend(20, -1), 0.05);
    EXPECT_LT(bend(8, 1), 2 * bend(20, 1));
}

TEST(Toy, AMuonTooSoftForTheCalorimeterReachesNoStation) {
    const Detector detector(1);
    Random random(2);

    EXPECT_TRUE(detector.hits_of(track_of({1.0, 0.3, 1.5, 1, 0}), random).empty());
}

TEST(Toy, MeasuresAboutAsWellAsATriggerDoes) {
    const MuonSample sample = muons(40'000, 1);

    const ErrorFigures raw = figures_of(raw_errors(sample));
    std::size_t right = 0;
    for (const L1Muon& muon : sample.l1) right += muon.pt >= 1 && muon.pt <= kMaxPt ? 1 : 0;

    EXPECT_EQ(right, sample.size());
    EXPECT_NEAR(raw.phi.q68, 3.8, 1.3);
    EXPECT_NEAR(raw.eta.q68, 2.0, 0.7);
    EXPECT_NEAR(raw.pt.q68, 0.4, 0.12);
    EXPECT_GT(raw.pt.bias, 0.05);  // thresholds are to keep muons, so momenta are scaled up
}

TEST(Toy, HalfOfThePairsAreReal) {
    const auto made = generate_pairs({3, 7, 5'000, 2}, kQuiet);
    ASSERT_TRUE(made.ok());

    std::size_t real = 0;
    for (const std::uint8_t kind : made->real) real += kind;
    EXPECT_EQ(real, 2'500U);
    for (std::size_t i = 0; i < made->size(); ++i) EXPECT_GE(made->first[i].pt, made->second[i].pt);
}

TEST(Toy, RefusesAnEmptySample) {
    EXPECT_THAT(generate_muons({1, 7, 0, 1}, kQuiet).status().message(), HasSubstr("at least 1"));
    EXPECT_THAT(generate_pairs({1, 7, 0, 1}, kQuiet).status().message(), HasSubstr("at least 1"));
}

class SampleFile : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = testing::TempDir() + std::to_string(::getpid()) + "_muon_sample_" +
                  testing::UnitTest::GetInstance()->current_test_info()->name();
        std::filesystem::remove_all(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    std::string folder_;
};

TEST_F(SampleFile, ReadsWhatItWrote) {
    const MuonSample sample = muons(300, 2);
    const auto pairs = generate_pairs({3, 7, 200, 1}, kQuiet);
    ASSERT_TRUE(write_muons(folder_, sample).ok());
    ASSERT_TRUE(write_pairs(folder_, *pairs).ok());
    ASSERT_TRUE(write_text(folder_ + "/generate.json", "{}").ok());

    const auto read = read_muons(folder_);
    const auto read_two = read_pairs(folder_);

    ASSERT_TRUE(read.ok()) << read.status().to_string();
    EXPECT_EQ(read->l1, sample.l1);
    EXPECT_EQ(read->offline[7].pt, sample.offline[7].pt);
    ASSERT_TRUE(read_two.ok()) << read_two.status().to_string();
    EXPECT_EQ(read_two->second, pairs->second);
    EXPECT_EQ(read_two->real, pairs->real);
}

TEST_F(SampleFile, SaysWhatIsWrongWithASample) {
    EXPECT_EQ(read_muons(folder_).status().code(), StatusCode::not_found);

    MuonSample sample = muons(3, 2);
    sample.l1[1].pt = 600;
    ASSERT_TRUE(write_muons(folder_, sample).ok());
    ASSERT_TRUE(write_text(folder_ + "/generate.json", "{}").ok());
    EXPECT_THAT(read_muons(folder_).status().message(),
                AllOf(HasSubstr("row 1"), HasSubstr("pt 1 to 511")));

    sample = muons(3, 2);
    ASSERT_TRUE(write_muons(folder_, sample).ok());
    ASSERT_TRUE(write_text(folder_ + "/generate.json", "{}").ok());
    ASSERT_TRUE(
        write_integers(folder_ + "/muons/fields.npy", std::vector<std::int32_t>(10, 1), 5).ok());
    EXPECT_THAT(read_muons(folder_).status().message(), HasSubstr("different numbers of rows"));

    ASSERT_TRUE(
        write_integers(folder_ + "/muons/fields.npy", std::vector<std::int32_t>(8), 4).ok());
    EXPECT_THAT(read_muons(folder_).status().message(), HasSubstr("INT32[2,4]"));
}

TEST(Histograms, HaveTheAreaOne) {
    const plot::PlotSeries series =
        histogram("a", "red", std::vector<float>{0.5F, 1.5F, 1.6F}, 0, 2, 2);

    ASSERT_EQ(series.points.size(), 6U);
    EXPECT_DOUBLE_EQ(series.points[1].y, 1.0 / 3);
    EXPECT_DOUBLE_EQ(series.points[3].y, 2.0 / 3);
}

TEST(Histograms, OfASampleAreDrawn) {
    EXPECT_THAT(muon_pictures(muons(500, 4)),
                AllOf(HasSubstr("Bias of azimuth"), HasSubstr("<polyline")));
}

}  // namespace
}  // namespace bunch::muon
