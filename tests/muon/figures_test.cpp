#include "muon/figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "muon/evaluation.h"
#include "zoo/random.h"

namespace bunch::muon {
namespace {

using testing::HasSubstr;

TEST(Figures, OfNormalErrorsAreThoseOfANormalDistribution) {
    Random random(3);
    std::vector<float> errors(200'000);
    for (float& error : errors) error = static_cast<float>(2 * random.normal() + 0.5);

    const Width width = width_of(errors);

    EXPECT_NEAR(width.bias, 0.5, 0.02);
    EXPECT_NEAR(width.rms, 2.06, 0.02);
    EXPECT_NEAR(width.fwhm, 4.71, 0.12);
    EXPECT_GT(width.q68, 1.99);
    EXPECT_LT(width.q68, 2.15);
}

TEST(Figures, OfNoErrorsAreZero) {
    EXPECT_EQ(width_of({}).rms, 0);
}

TEST(Figures, SeparationIsTheChanceThatARealOneScoresAboveAFake) {
    const std::vector<float> scores = {0.9F, 0.8F, 0.8F, 0.1F};
    const std::vector<std::uint8_t> real = {1, 1, 0, 0};

    const auto found = separation_of(scores, real);

    ASSERT_TRUE(found.ok()) << found.status().to_string();
    const Separation& separation = *found;
    EXPECT_DOUBLE_EQ(separation.roc_auc, 3.5 / 4);  // of four pairs one is a tie
    EXPECT_DOUBLE_EQ(separation.pr_auc, 0.5 * 1 + 0.5 * 2 / 3);
    EXPECT_DOUBLE_EQ(separation.rejection_95, 2);
    EXPECT_DOUBLE_EQ(separation.roc.back().efficiency, 1);
}

TEST(Figures, SeparationNeedsBothKindsAndNumbers) {
    const std::vector<float> scores = {0.9F, 0.1F};
    const std::vector<float> none = {0.9F, std::numeric_limits<float>::quiet_NaN()};
    for (const std::uint8_t kind : std::vector<std::uint8_t>{0, 1}) {
        const std::vector<std::uint8_t> real = {kind, kind};
        EXPECT_THAT(separation_of(scores, real).status().message(),
                    HasSubstr("all pairs are of one kind"));
    }

    EXPECT_THAT(separation_of(none, std::vector<std::uint8_t>{0, 1}).status().message(),
                HasSubstr("a score is no number"));
}

TEST(Evaluation, RefusesANetworkWhoseOutputsAreNoNumbers) {
    TrainedRun run;
    run.model.network = draw_network(std::vector<std::size_t>{kMuonFeatures, 4, 3}, 1);
    for (Dense& layer : run.model.network.layers)
        for (float& weight : layer.weights) weight = 3e38F;
    const MuonSample sample{{{575, 255, 511, 1, 15}}, {{11, 21, 15}}};  // active units

    EXPECT_THAT(evaluate(run, sample, 1).status().message(), HasSubstr("no number"));
}

}  // namespace
}  // namespace bunch::muon
