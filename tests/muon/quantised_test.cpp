#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "muon/evaluation.h"
#include "muon/quantised/freeze.h"
#include "muon/quantised/integer_network.h"
#include "muon/recipes.h"
#include "muon/sample_file.h"
#include "muon/toy/sample.h"
#include "muon/training/forward.h"
#include "muon/training/transfer.h"
#include "tests/muon/networks.h"

namespace bunch::muon {
namespace {

using testing::HasSubstr;

const OnEpoch kQuiet = [](const EpochRecord&) {};

MuonSample muons(std::size_t count) {
    auto made = generate_muons({3, 7, count, 2}, [](double) {});
    EXPECT_TRUE(made.ok());
    return std::move(made).value();
}

TEST(IntegerNetwork, RoundsCutsAndFinishesAsTheHardwareDoes) {
    IntegerNetwork network = random_integer_network(Task::recalibration, {}, 1);
    IntegerLayer& layer = network.layers[0];
    layer.weights.assign(18, 0);
    layer.weights[1] = 3;  // output 0 is three times |eta|, plus 2, divided by 4
    layer.biases = {2, 5000, -999'999};
    layer.shifts = {2, 1, 4};
    const std::vector<std::int32_t> fields = {100, -7, 40, 0, 12, 100, 7, 40, 1, 12};

    const auto results = run_fields(network, fields);

    // (3*7 + 2 + 2) >> 2 = 6, negated for the charge; 2047 cut, negated for eta; r at least -256
    EXPECT_EQ(results, (std::vector<std::int32_t>{-6, -2047, 0, 6, 2047, 0}));
}

TEST(IntegerNetwork, ComputesWhatTrainingSawUpToTheRoundingOfBiasesAndOutputs) {
    const MuonSample sample = muons(3'000);
    const TaskData data = split(dataset_of(sample, Encoding::folded));
    FloatRecipe recipe{{16, 12}, {}, nullptr};
    recipe.training.epochs = 4;
    const auto start = train_float(data, recipe, kQuiet);
    ASSERT_TRUE(start.ok());
    CompressRecipe squeeze;
    squeeze.training.epochs = 4;
    squeeze.training.pruning.sparsity = 0.5;
    const auto small = compress(data, *start, squeeze, kQuiet);
    ASSERT_TRUE(small.ok()) << small.status().to_string();

    const auto network = freeze(small->model, Task::recalibration);

    ASSERT_TRUE(network.ok()) << network.status().to_string();
    EXPECT_LE(network->nonzero_weights(), 169U);
    const Dataset all = dataset_of(sample, Encoding::folded);
    const auto outputs = predict(small->model.network, small->model.plan_or_null(), all.x);
    double worst = 0;
    std::array<std::uint8_t, kMuonFeatures> features{};
    for (std::size_t i = 0; i < sample.size(); ++i) {
        fold(sample.l1[i], features);
        std::array<std::int32_t, 3> y{};
        run(*network, features, y);
        for (std::size_t o = 0; o < 3; ++o) {
            const double exact = std::clamp(std::ldexp(static_cast<double>(outputs[3 * i + o]),
                                                       output_exponents(Task::recalibration)[o]),
                                            -2047.0, 2047.0);
            worst = std::max(worst, std::abs(exact - y[o]));
        }
    }
    EXPECT_LT(worst, 3);  // a bias rounds one activation the other way, now and then
}

TEST(IntegerNetwork, RefusesWhatHardwareCannotCompute) {
    const auto message = [](const auto& change) {
        IntegerNetwork network = random_integer_network(Task::recalibration, {8, 6}, 2);
        EXPECT_TRUE(check(network).ok());
        change(network);
        return check(network).message();
    };

    EXPECT_THAT(message([](IntegerNetwork& n) { n.layers[1].biases[2] = 1 << 23; }),
                AllOf(HasSubstr("layer 1"), HasSubstr("sum of output 2"), HasSubstr("8388608")));
    EXPECT_THAT(message([](IntegerNetwork& n) { n.layers[0].shifts[3] = 0; }),
                HasSubstr("shifted by 0"));
    EXPECT_THAT(message([](IntegerNetwork& n) { n.layers[0].weights[3] = 32; }),
                HasSubstr("weight 32 is beyond 6 bits"));
    EXPECT_THAT(message([](IntegerNetwork& n) { n.layers[0].weight_bits = 9; }),
                HasSubstr("weights of 9 bits"));
    EXPECT_THAT(message([](IntegerNetwork& n) { n.activation_bits = 1; }),
                HasSubstr("activations of 1 bits"));
    EXPECT_THAT(message([](IntegerNetwork& n) { n.layers.erase(n.layers.begin() + 1); }),
                HasSubstr("layer 1 has 6 inputs"));
    EXPECT_THAT(message([](IntegerNetwork& n) { n.layers.pop_back(); }),
                HasSubstr("recalibration needs 3"));
    EXPECT_THAT(message([](IntegerNetwork& n) { n.layers.clear(); }),
                HasSubstr("at least one layer"));
    EXPECT_THAT(message([](IntegerNetwork& n) { n.layers[0].biases.pop_back(); }),
                HasSubstr("not as many"));
}

// Weight decay makes such a unit of one that is never active: its bias does not decay.
TEST(IntegerNetwork, LowersTheScaleOfWeightsBesideWhichTheBiasIsHuge) {
    Model model{draw_network(std::vector<std::size_t>{6, 2, 3}, 1), QuantisationPlan{}};
    model.plan->activation_exponents = {8};
    for (float& weight : model.network.layers[0].weights) weight = 1e-5F;
    model.network.layers[0].biases = {-600.0F, 0.25F};

    const auto network = freeze(model, Task::recalibration);

    ASSERT_TRUE(network.ok()) << network.status().to_string();
    EXPECT_LT(network->layers[0].shifts[0], network->layers[0].shifts[1]);
    const double scale = std::ldexp(1.0, network->layers[0].shifts[0] + 8);
    EXPECT_NEAR(network->layers[0].biases[0] / scale, -600, 0.01);
}

TEST(IntegerNetwork, RefusesABiasThatNoScaleHolds) {
    Model model{draw_network(std::vector<std::size_t>{6, 2, 3}, 1), QuantisationPlan{}};
    model.plan->activation_exponents = {8};
    model.network.layers[0].biases[0] = 1e9F;

    EXPECT_THAT(freeze(model, Task::recalibration).status().message(),
                HasSubstr("too large for its weights' scale"));
}

TEST(IntegerNetwork, IsNotMadeOfANetworkInFloatingPoint) {
    const Model model = {draw_network(std::vector<std::size_t>{6, 4, 3}, 1), std::nullopt};

    EXPECT_THAT(freeze(model, Task::recalibration).status().message(),
                HasSubstr("bunch-muon compress"));
}

TEST(Compress, RefusesWhatDoesNotFitTogether) {
    const MuonSample sample = muons(200);
    const TaskData folded = split(dataset_of(sample, Encoding::folded));
    const TaskData raw = split(dataset_of(sample, Encoding::raw));
    FloatRecipe recipe{{4}, {}};
    recipe.training.epochs = 1;
    const auto plain = train_float(raw, recipe, kQuiet);
    const auto student = train_float(folded, recipe, kQuiet);
    CompressRecipe squeeze;
    squeeze.training.distillation = 0.5;

    EXPECT_THAT(compress(raw, *plain, squeeze, kQuiet).status().message(),
                HasSubstr("folded encoding"));
    EXPECT_THAT(compress(folded, *plain, squeeze, kQuiet).status().message(), HasSubstr("differ"));
    squeeze.teacher = &*plain;
    recipe.teacher = &*plain;
    recipe.training.distillation = 0.5;
    EXPECT_THAT(train_float(folded, recipe, kQuiet).status().message(),
                HasSubstr("teacher differs"));
    recipe.teacher = nullptr;
    EXPECT_THAT(compress(folded, *student, squeeze, kQuiet).status().message(),
                HasSubstr("teacher differs"));
    recipe.hidden = {0};
    EXPECT_THAT(train_float(raw, recipe, kQuiet).status().message(), HasSubstr("layer of 0 units"));
}

TEST(Transfer, CopiesTheMostUsedUnitsForBothMuons) {
    const Network from = draw_network(std::vector<std::size_t>{6, 8, 4, 3}, 1);
    Network to = draw_network(std::vector<std::size_t>{14, 6, 4, 1}, 2);
    const Network before = to;

    ASSERT_TRUE(transfer(from, to).ok());

    for (std::size_t i = 0; i < 6; ++i)
        EXPECT_EQ(to.layers[0].weights[i], to.layers[0].weights[3 * 14 + 6 + i]);
    EXPECT_EQ(to.layers[0].weights[6], before.layers[0].weights[6] * 0.3F);
    EXPECT_EQ(to.layers[2].weights, before.layers[2].weights);
    Network odd = draw_network(std::vector<std::size_t>{14, 5, 4, 1}, 2);
    EXPECT_THAT(transfer(from, odd).message(), HasSubstr("nothing can be transferred"));
}

TEST(RunFolder, ReadsTheNetworkThatItWrote) {
    const std::string folder = testing::TempDir() + std::to_string(::getpid()) + "_muon_run";
    TrainedRun run;
    run.model.network = draw_network(std::vector<std::size_t>{6, 5, 3}, 4);
    run.model.plan = QuantisationPlan{6, 8, 8, {5}};
    ASSERT_TRUE(write_run(folder, run).ok());

    const auto read = read_run(folder);

    ASSERT_TRUE(read.ok()) << read.status().to_string();
    EXPECT_EQ(read->model.network.layers[1].weights, run.model.network.layers[1].weights);
    EXPECT_EQ(read->model.plan->activation_exponents, run.model.plan->activation_exponents);
    std::filesystem::remove_all(folder);
    EXPECT_EQ(read_run(folder).status().code(), StatusCode::not_found);
    ASSERT_TRUE(write_run(folder, run).ok());
    ASSERT_TRUE(write_text(folder + "/run.json", "[]").ok());
    EXPECT_THAT(read_run(folder).status().message(), HasSubstr("no record"));
    std::filesystem::remove_all(folder);
}

TEST(RunFolder, SaysWhatIsWrongWithAFile) {
    const std::string head = R"({"task":"pair","encoding":"folded","layers":)";
    const auto message = [](const std::string& text) {
        return parse_network(text).status().message();
    };

    EXPECT_THAT(message("{"), HasSubstr("parse error"));
    EXPECT_THAT(message(R"({"task":"x","encoding":"raw"})"), HasSubstr("not known"));
    EXPECT_THAT(message(head + "[]}"), HasSubstr("does not fit the task"));
    EXPECT_THAT(message(head + R"([{"inputs":14,"outputs":2,"weights":[1],"biases":[0,0]}]})"),
                HasSubstr("layer 0 has other sizes"));
    EXPECT_THAT(message(head + R"([{"inputs":14}]})"), HasSubstr("outputs"));
}

}  // namespace
}  // namespace bunch::muon
