#include "muon/figures.h"

#include <gtest/gtest.h>

#include <vector>

#include "zoo/random.h"

namespace bunch::muon {
namespace {

TEST(Figures, OfNormalErrorsAreThoseOfANormalDistribution) {
    Random random(3);
    std::vector<float> errors(200'000);
    for (float& error : errors) error = static_cast<float>(2 * random.normal() + 0.5);

    const Width width = width_of(errors);

    EXPECT_NEAR(width.bias, 0.5, 0.02);
    EXPECT_NEAR(width.rms, 2.06, 0.02);
    EXPECT_NEAR(width.fwhm, 4.71, 0.4);
    EXPECT_GT(width.q68, 1.99);
    EXPECT_LT(width.q68, 2.15);
}

TEST(Figures, OfNoErrorsAreZero) {
    EXPECT_EQ(width_of({}).rms, 0);
}

TEST(Figures, SeparationIsTheChanceThatARealOneScoresAboveAFake) {
    const std::vector<float> scores = {0.9F, 0.8F, 0.8F, 0.1F};
    const std::vector<std::uint8_t> real = {1, 1, 0, 0};

    const Separation separation = separation_of(scores, real);

    EXPECT_DOUBLE_EQ(separation.roc_auc, 3.5 / 4);  // of four pairs one is a tie
    EXPECT_DOUBLE_EQ(separation.pr_auc, 0.5 * 1 + 0.5 * 2 / 3);
    EXPECT_DOUBLE_EQ(separation.rejection_95, 2);
    EXPECT_DOUBLE_EQ(separation.roc.back().efficiency, 1);
}

}  // namespace
}  // namespace bunch::muon
