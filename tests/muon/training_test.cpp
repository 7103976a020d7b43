#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "muon/toy/sample.h"
#include "muon/training/dataset.h"
#include "muon/training/equalisation.h"
#include "muon/training/forward.h"
#include "muon/training/gradient.h"
#include "muon/training/loss.h"
#include "muon/training/trainer.h"
#include "zoo/random.h"

namespace bunch::muon {
namespace {

using testing::HasSubstr;

const OnEpoch kQuiet = [](const EpochRecord&) {};

/// y = |x0| - x1, which needs a hidden layer.
Dataset simple_data(std::size_t rows, std::uint64_t seed) {
    Random random(seed);
    Dataset data;
    data.rows = rows;
    data.inputs = 2;
    data.outputs = 1;
    for (std::size_t i = 0; i < rows; ++i) {
        const float a = static_cast<float>(random.normal()),
                    b = static_cast<float>(random.normal());
        data.x.insert(data.x.end(), {a, b});
        data.targets.push_back(std::abs(a) - b);
        data.weights.push_back(1);
    }
    return data;
}

Model simple_model(std::uint64_t seed = 2) {
    return {draw_network(std::vector<std::size_t>{2, 16, 8, 1}, seed), std::nullopt};
}

TrainSettings settings(std::size_t epochs) {
    TrainSettings made;
    made.epochs = epochs;
    made.batch = 64;
    return made;
}

/// Rows with three outputs that count differently, and a teacher's answers.
Dataset data_with_three_outputs(Task task) {
    Dataset data = simple_data(8, 1);
    Random random(6);
    data.task = task;
    data.outputs = 3;
    data.targets.clear();
    data.weights.clear();
    for (std::size_t row = 0; row < data.rows; ++row)
        for (const float weight : {0.4F, 1.0F, 2.5F}) {
            const double target = random.normal();
            data.targets.push_back(task == Task::pair ? (target > 0 ? 1.0F : 0.0F)
                                                      : static_cast<float>(target));
            data.weights.push_back(weight);
            data.soft.push_back(static_cast<float>(random.normal()));
        }
    return data;
}

TEST(Gradient, IsTheSlopeOfTheLossForEveryWeightAndBias) {
    for (const Task task : {Task::recalibration, Task::pair}) {
        const Dataset data = data_with_three_outputs(task);
        Network network = draw_network(std::vector<std::size_t>{2, 6, 5, 3}, 2);
        for (Dense& layer : network.layers)
            for (float& bias : layer.biases) bias = 0.2F;
        const float distillation = 0.4F;
        GradientRun run(network, data, 8, distillation, 1);
        const Network gradient =
            run.of(std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5, 6, 7}, nullptr);
        const auto loss = [&] {  // a row's: the mean over its outputs times their number
            const auto outputs = predict(network, nullptr, data.x);
            return 3 *
                   loss_of(task, {outputs, data.targets, data.weights, data.soft, distillation});
        };
        const auto expect_slope = [&](float& number, float found, const std::string& what) {
            const float kept = number, step = 1e-3F;
            number = kept + step;
            const double above = loss();
            number = kept - step;
            const double below = loss();
            number = kept;
            EXPECT_NEAR((above - below) / (2 * static_cast<double>(step)),
                        static_cast<double>(found), 2e-3)
                << what;
        };

        for (std::size_t l = 0; l < 3; ++l) {
            Dense& layer = network.layers[l];
            const std::string name = "layer " + std::to_string(l);
            for (std::size_t i = 0; i < layer.weights.size(); ++i)
                expect_slope(layer.weights[i], gradient.layers[l].weights[i],
                             name + ", weight " + std::to_string(i));
            for (std::size_t o = 0; o < layer.biases.size(); ++o)
                expect_slope(layer.biases[o], gradient.layers[l].biases[o],
                             name + ", bias " + std::to_string(o));
        }
    }
}

TEST(Gradient, PassesRoundingButNotActivationsThatAreZeroOrCut) {
    // Hidden units at 2, beyond the largest (3.75), below 0, rounded from 0.1 to 0, from 0.15 to
    // 0.25.
    Network network{
        {{2, 5, {1, 0.5F, 1, 1, -1, 0, 0.5F, -0.25F, 0.5F, -0.25F}, {0, 5, 0, 0.1F, 0.15F}},
         {5, 1, {0.5F, 0.25F, 1, 1, 0.5F}, {0}}}};
    Dataset data;
    data.rows = 1;
    data.inputs = 2;
    data.outputs = 1;
    data.x = {1, 2};
    data.targets = {1};
    data.weights = {1};
    QuantisationPlan plan{8, 8, 4, {2}};
    GradientRun run(network, data, 1, 0, 1);

    const Network gradient = run.of(std::vector<std::uint32_t>{0}, &plan);

    const float y = 0.5F * 2 + 0.25F * 3.75F + 0.5F * 0.25F, g = std::tanh(y - 1);
    const std::vector<float> weights = {g / 2, g, 0, 0, 0, 0, 0, 0, g / 2, g};
    const std::vector<float> biases = {g / 2, 0, 0, 0, g / 2};
    EXPECT_THAT(gradient.layers[0].weights, testing::Pointwise(testing::FloatNear(1e-6F), weights));
    EXPECT_THAT(gradient.layers[0].biases, testing::Pointwise(testing::FloatNear(1e-6F), biases));
    EXPECT_THAT(gradient.layers[1].weights,
                testing::Pointwise(testing::FloatNear(1e-6F),
                                   std::vector<float>{2 * g, 3.75F * g, 0, 0, g / 4}));
}

TEST(Gradient, OfALargeNetworkDoesNotDependOnTheNumberOfThreads) {
    const Dataset data = simple_data(256, 1);
    const Network network = draw_network(std::vector<std::size_t>{2, 200, 200, 1}, 3);
    std::vector<std::uint32_t> rows(256);
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::uint32_t>(i);
    GradientRun one(network, data, 256, 0, 1), three(network, data, 256, 0, 3);

    EXPECT_EQ(one.of(rows, nullptr).layers[1].weights, three.of(rows, nullptr).layers[1].weights);
}

TEST(Training, LearnsAFunctionAndIsTheSameForASeed) {
    const Dataset training = simple_data(4'000, 1), validation = simple_data(1'000, 2);
    Model model = simple_model(), again = simple_model();

    const auto records = train(training, validation, settings(15), model, kQuiet);
    ASSERT_TRUE(train(training, validation, settings(15), again, kQuiet).ok());

    ASSERT_TRUE(records.ok()) << records.status().to_string();
    EXPECT_LT(records->back().validation_loss, 0.003);
    EXPECT_GT(records->front().validation_loss, 2 * records->back().validation_loss);
    EXPECT_EQ(model.network.layers[1].weights, again.network.layers[1].weights);
}

TEST(Training, WithRoundingAndPruningKeepsItsPromises) {
    const Dataset training = simple_data(4'000, 1), validation = simple_data(1'000, 2);
    Model model = simple_model();
    ASSERT_TRUE(train(training, validation, settings(10), model, kQuiet).ok());
    model.plan = QuantisationPlan{};
    TrainSettings with_pruning = settings(15);
    with_pruning.pruning.sparsity = 0.6;

    const auto records = train(training, validation, with_pruning, model, kQuiet);

    ASSERT_TRUE(records.ok()) << records.status().to_string();
    EXPECT_LT(records->back().validation_loss, 0.01);
    EXPECT_NEAR(records->back().sparsity, 0.6, 0.02);
    EXPECT_EQ(model.plan->activation_exponents.size(), 2U);
}

TEST(Training, GivesAPrunedNetworkHoweverFewItsStepsAre) {
    const Dataset training = simple_data(500, 1), validation = simple_data(100, 2);
    Model model = simple_model();
    TrainSettings with_pruning = settings(40);
    with_pruning.batch = 500;  // one step in an epoch
    with_pruning.pruning.sparsity = 0.6;

    ASSERT_TRUE(train(training, validation, with_pruning, model, kQuiet).ok());

    const auto kept = static_cast<double>(model.network.nonzero_weights());
    EXPECT_NEAR(1 - kept / static_cast<double>(model.network.weights()), 0.6, 0.02);
}

TEST(Training, FollowsATeacherThatKnowsBetterThanTheTargets) {
    Dataset training = simple_data(4'000, 1);
    const Dataset validation = simple_data(1'000, 2);
    training.soft = training.targets;
    for (float& target : training.targets) target += 3;  // systematically wrong
    Model model = simple_model();
    TrainSettings with_teacher = settings(10);
    with_teacher.distillation = 1;

    ASSERT_TRUE(train(training, validation, with_teacher, model, kQuiet).ok());

    EXPECT_LT(mean_loss(model, validation, 1), 0.01);
}

TEST(Training, EndsWithTheBestOfItsEpochs) {
    const Dataset training = simple_data(4'000, 1), validation = simple_data(1'000, 2);
    Model model = simple_model();
    TrainSettings restless = settings(12);
    restless.rate = 0.1;  // the loss jumps up and down

    const auto records = train(training, validation, restless, model, kQuiet);

    ASSERT_TRUE(records.ok()) << records.status().to_string();
    double least = records->front().validation_loss;
    for (const EpochRecord& record : *records) least = std::min(least, record.validation_loss);
    EXPECT_EQ(mean_loss(model, validation, 1), least);
}

TEST(Training, DecayKeepsWeightsSmall) {
    const Dataset training = simple_data(4'000, 1), validation = simple_data(1'000, 2);
    Model model = simple_model(), decayed = simple_model();
    TrainSettings with_decay = settings(10);
    with_decay.decay = 1;
    const auto squares = [](const Model& of) {
        float sum = 0;
        for (const Dense& layer : of.network.layers)
            for (const float weight : layer.weights) sum += weight * weight;
        return sum;
    };

    ASSERT_TRUE(train(training, validation, settings(10), model, kQuiet).ok());
    ASSERT_TRUE(train(training, validation, with_decay, decayed, kQuiet).ok());

    EXPECT_LT(squares(decayed), 0.8F * squares(model));
}

TEST(Equalisation, GivesUnitsACommonRangeAndChangesNoOutput) {
    const Dataset data = simple_data(2'000, 1);
    Network network = draw_network(std::vector<std::size_t>{data.inputs, 6, 5, 1}, 3);
    for (float& weight : network.layers[1].weights) weight *= 40;
    const auto before = predict(network, nullptr, data.x);

    equalise(data.x, network);

    const auto after = predict(network, nullptr, data.x);
    for (std::size_t i = 0; i < after.size(); ++i)
        EXPECT_NEAR(after[i], before[i], 1e-4F * (1 + std::abs(before[i])));
    for (const auto& layer : activation_ranges(network, data.x))
        for (const float range : layer)
            if (range > 1e-3F) {
                EXPECT_NEAR(range, 0.98F, 1e-3F);
            }
    EXPECT_EQ(activation_exponents(network, 8, data.x), (std::vector<int>{8, 8}));
}

TEST(Training, SaysWhatCannotWork) {
    const Dataset data = simple_data(100, 1);
    Model model = simple_model();
    const auto message = [&](const Dataset& training, const TrainSettings& with) {
        return train(training, data, with, model, kQuiet).status().message();
    };

    EXPECT_THAT(message(Dataset{}, settings(1)), HasSubstr("0 rows for training"));
    TrainSettings bad = settings(1);
    bad.batch = 0;
    EXPECT_THAT(message(data, bad), HasSubstr("all must be above 0"));
    bad = settings(1);
    bad.pruning.sparsity = 1.5;
    EXPECT_THAT(message(data, bad), HasSubstr("sparsity of 1.5"));
    bad = settings(1);
    bad.decay = -1;
    EXPECT_THAT(message(data, bad), HasSubstr("decay of -1"));
    bad = settings(1);
    bad.distillation = 2;
    EXPECT_THAT(message(data, bad), HasSubstr("part of the loss"));
    Dataset poisoned = data;
    poisoned.x[5] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_THAT(message(poisoned, settings(1)), HasSubstr("generate the sample"));
    EXPECT_THAT(message(data, settings(0)), HasSubstr("0 epochs"));
    for (const double rate : {-1.0, 0.0, std::numeric_limits<double>::quiet_NaN()}) {
        bad = settings(1);
        bad.rate = rate;
        EXPECT_THAT(message(data, bad), HasSubstr("train nothing")) << rate;
    }
    bad = settings(1);
    bad.rate = 1e30;
    EXPECT_THAT(message(data, bad), HasSubstr("choose a rate below"));
    bad = settings(1);
    bad.batch = 100'000'000'000;
    EXPECT_THAT(message(data, bad), HasSubstr("batch of 100000000000 rows is too large"));
    model = {draw_network(std::vector<std::size_t>{3, 4, 1}, 1), std::nullopt};
    EXPECT_THAT(message(data, settings(1)), HasSubstr("3 inputs"));
    model = simple_model();
    model.plan = QuantisationPlan{.weight_bits = 12};
    EXPECT_THAT(message(data, settings(1)), HasSubstr("weights of 12 bits"));
}

TEST(Training, StopsAtALossOfTheValidationThatIsNoNumber) {
    const Dataset training = simple_data(100, 1);
    Dataset validation = simple_data(100, 2);
    for (float& x : validation.x) x = 3e38F;  // finite, the outputs are not
    Model model = simple_model();

    const auto records = train(training, validation, settings(1), model, kQuiet);

    EXPECT_THAT(records.status().message(), HasSubstr("no number after epoch 1"));
}

TEST(Quantisation, RoundsWeightsToTheFinestScaleThatHoldsThem) {
    const std::vector<float> channel = {0.9F, -0.26F};

    const int exponent = weight_exponent(channel, 6);

    EXPECT_EQ(exponent, 5);  // 0.9 * 32 = 28.8, within 31
    EXPECT_EQ(quantised_weight(0.9F, exponent, 6), 29);
    EXPECT_EQ(quantised_weight(-0.26F, exponent, 6), -8);
    EXPECT_EQ(quantised_weight(5, exponent, 6), 31);
}

TEST(Quantisation, NeverChoosesAScaleThatHardwareWouldHaveToShiftUp) {
    QuantisationPlan plan;
    plan.activation_exponents = {7, 4};
    EXPECT_EQ(plan.least_exponent(0, 6), 2);
    EXPECT_EQ(plan.least_exponent(1, 6), -2);
    EXPECT_EQ(plan.least_exponent(2, 6), 4);  // outputs are integers of 2^-7

    const std::vector<float> channel = {5.0F, -0.3F};
    const int exponent = weight_exponent(channel, 4, plan.least_exponent(0, 6));

    EXPECT_EQ(exponent, 2);
    EXPECT_EQ(quantised_weight(5.0F, exponent, 4), 7);  // cut
}

TEST(Pruning, GrowsFastAtFirstAndNeverRevives) {
    const PruningSchedule schedule{0.8, 0.1, 0.6};
    EXPECT_EQ(schedule.at(0.05), 0);
    EXPECT_GT(schedule.at(0.2), 0.35);
    EXPECT_EQ(schedule.at(0.7), 0.8);

    const Network network{{{2, 2, {1, 0.1F, 0.2F, 0.5F}, {0, 0}}}};
    Masks masks = full_masks(network);
    masks[0][0] = 0;
    prune(network, {{1, 10}}, 0.5, masks);
    EXPECT_EQ(masks[0], (std::vector<std::uint8_t>{0, 1, 0, 1}));  // 0.1 * 10 beats 0.2 * 1
}

TEST(Dataset, CorrectionsByTheTruthLeaveNoError) {
    const auto sample = generate_muons({4, 7, 500, 1}, [](double) {});
    ASSERT_TRUE(sample.ok());
    for (const Encoding encoding : {Encoding::raw, Encoding::folded}) {
        const Dataset data = dataset_of(*sample, encoding);

        const Errors errors = errors_of(*sample, encoding, data.targets);

        EXPECT_LT(width_of(errors.phi).rms, 1e-3);
        EXPECT_LT(width_of(errors.eta).rms, 1e-3);
        EXPECT_LT(width_of(errors.pt).rms, 1e-5);
    }
}

}  // namespace
}  // namespace bunch::muon
