#include "bench/farm/questions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace bunch::farm {
namespace {

constexpr double kTolerance = 1e-3;

/// Two workers with two questions each; answers of two numbers, the largest of which is 8.
class ThoseOfTwoWorkers : public testing::Test {
  protected:
    ThoseOfTwoWorkers() : questions_({2, 2, 1, 2}, kTolerance) {
        const std::vector<std::vector<float>> answers = {{1, 1}, {1.01F, 1}, {4, 4}, {8, 0}};
        for (std::size_t i = 0; i < answers.size(); ++i)
            std::copy(answers[i].begin(), answers[i].end(), questions_.expected(i).begin());
        questions_.seal();
    }

    Verdict judge(std::size_t question, std::vector<float> answer) {
        return questions_.judge(question, answer);
    }

    Questions questions_;
};

TEST_F(ThoseOfTwoWorkers, AcceptAnAnswerWithinTheTolerance) {
    const Verdict verdict = judge(0, {1.004F, 1});

    EXPECT_FALSE(verdict.mismatch);
    EXPECT_FALSE(verdict.swapped);
    EXPECT_NEAR(verdict.deviation, 0.004 / 8, 1e-6);
}

TEST_F(ThoseOfTwoWorkers, CountADeviationBeyondTheToleranceAsMismatchOnly) {
    const Verdict verdict = judge(0, {1.1F, 1});

    EXPECT_TRUE(verdict.mismatch);
    EXPECT_FALSE(verdict.swapped);
}

TEST_F(ThoseOfTwoWorkers, NoticeTheAnswerOfAnotherWorker) {
    const Verdict verdict = judge(0, {4, 4});

    EXPECT_TRUE(verdict.mismatch);
    EXPECT_TRUE(verdict.swapped);
}

TEST_F(ThoseOfTwoWorkers, DoNotCallAnotherAnswerOfTheSameWorkerSwapped) {
    EXPECT_FALSE(judge(0, {1.01F, 1}).swapped);
    EXPECT_TRUE(judge(0, {1.01F, 1}).mismatch);
}

TEST_F(ThoseOfTwoWorkers, TakeAnAnswerOfTheWrongLengthOrWithoutNumbersForWrong) {
    EXPECT_TRUE(judge(0, {}).mismatch);
    EXPECT_TRUE(judge(0, {1, 1, 1}).mismatch);
    EXPECT_TRUE(judge(0, {std::numeric_limits<float>::quiet_NaN(), 1}).mismatch);
}

TEST_F(ThoseOfTwoWorkers, KnowHowFarTheNearestAnswersOfDifferentWorkersAreApart) {
    EXPECT_NEAR(questions_.separation(), 3.0 / 8, 1e-6);
}

}  // namespace
}  // namespace bunch::farm
