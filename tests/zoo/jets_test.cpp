#include "zoo/jets.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace bunch {
namespace {

constexpr std::uint64_t kSeed = 20190417;
constexpr int kJets = 500;

double mean_width(JetKind kind) {
    Random random(kSeed);
    double sum = 0;
    for (int i = 0; i < kJets; ++i) sum += jet_width(make_jet(kind, random));
    return sum / kJets;
}

TEST(Random, DrawsNormalNumbersOfMeanZeroAndVarianceOne) {
    Random random(kSeed);
    double sum = 0, squares = 0;
    constexpr int kDraws = 100'000;
    for (int i = 0; i < kDraws; ++i) {
        const double value = random.normal();
        sum += value;
        squares += value * value;
    }

    EXPECT_NEAR(sum / kDraws, 0, 0.02) << "seed " << kSeed;
    EXPECT_NEAR(squares / kDraws, 1, 0.03) << "seed " << kSeed;
}

TEST(Jets, FillAnImageWhosePixelsSumToOne) {
    for (const JetKind kind : {JetKind::top, JetKind::qcd}) {
        double sum = 0;
        for (int i = 0; i < kJets / 10; ++i) {
            const auto image = jet_image(kind, kSeed + static_cast<std::uint64_t>(i));
            sum += std::accumulate(image.begin(), image.begin() + kJetImageFloats / 3, 0.0);
        }

        // A constituent beyond the edge of the image is lost; that is rare.
        EXPECT_NEAR(sum / (kJets / 10), 1, 0.01) << "seed " << kSeed;
        EXPECT_LE(sum / (kJets / 10), 1 + 1e-5);
    }
}

TEST(Jets, AreCopiedToThreeEqualChannels) {
    const auto image = jet_image(JetKind::top, kSeed);

    const auto channel = static_cast<std::ptrdiff_t>(kJetImageFloats / 3);
    ASSERT_EQ(image.size(), kJetImageFloats);
    EXPECT_TRUE(std::equal(image.begin(), image.begin() + channel, image.begin() + channel));
    EXPECT_TRUE(std::equal(image.begin(), image.begin() + channel, image.begin() + 2 * channel));
}

TEST(Jets, LieCentredOnTheirAxis) {
    Random random(kSeed);
    const auto jet = make_jet(JetKind::top, random);

    double eta = 0, phi = 0;
    for (const Constituent& particle : jet) {
        eta += particle.pt * particle.delta_eta;
        phi += particle.pt * particle.delta_phi;
    }
    EXPECT_NEAR(eta, 0, 1e-9) << "seed " << kSeed;
    EXPECT_NEAR(phi, 0, 1e-9) << "seed " << kSeed;
}

TEST(Jets, OfTopQuarksAreSpreadWiderThanThoseOfQcd) {
    const double top = mean_width(JetKind::top), qcd = mean_width(JetKind::qcd);

    EXPECT_GT(top, 1.5 * qcd) << "seed " << kSeed;
    // 173 GeV at 500-700 GeV of pT: the prongs fly about m/pT from the axis.
    EXPECT_NEAR(top, 173.0 / 600, 0.12) << "seed " << kSeed;
}

TEST(Jets, AreTheSameForTheSameSeedAndOthersForAnother) {
    EXPECT_EQ(jet_image(JetKind::qcd, 1), jet_image(JetKind::qcd, 1));
    EXPECT_NE(jet_image(JetKind::qcd, 1), jet_image(JetKind::qcd, 2));
}

TEST(Jets, PutAConstituentIntoThePixelOfItsAngles) {
    const std::vector<Constituent> jet = {{30, -0.999, 0.999}, {10, 0, 0}, {60, 1.5, 0}};
    std::vector<float> image(kJetImageFloats);

    fill_jet_image(jet, image);

    EXPECT_FLOAT_EQ(image[223], 0.3F);
    EXPECT_FLOAT_EQ(image[112 * 224 + 112], 0.1F);
    EXPECT_EQ(std::count(image.begin(), image.begin() + 224 * 224, 0.0F), 224 * 224 - 2);
}

}  // namespace
}  // namespace bunch
