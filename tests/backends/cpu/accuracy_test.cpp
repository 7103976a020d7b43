// Inputs far from zero: normalised first, they must not lose their digits, in f32 nor in bf16.
#include "backends/cpu/accuracy.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "backends/cpu/cpu_model.h"
#include "backends/graph/lowering.h"
#include "backends/graph/passes.h"
#include "tests/backends/cpu/compare.h"
#include "tests/backends/graph/network_maker.h"
#include "tests/backends/graph/quantised_maker.h"

namespace bunch::test_network {
namespace {

constexpr std::int64_t kInputs = 20;
constexpr std::uint32_t kRows = 16;

std::string numbers(NetworkMaker& maker, double first, double step) {
    Array array{{kInputs}, {}};
    for (std::int64_t i = 0; i < kInputs; ++i)
        array.numbers.push_back(first + step * static_cast<double>(i));
    maker.network.constants.emplace("given " + std::to_string(first), array);
    return "given " + std::to_string(first);
}

/// Inputs with means from `mean` on up, in steps of 2, and a deviation of 1: normalised, then two
/// dense layers.
Network normalised(double mean) {
    NetworkMaker maker(4);
    const std::string x = maker.input({-1, kInputs});
    const std::string y =
        maker.add("BatchNormalization", {x, numbers(maker, 1, 0), numbers(maker, 0.5, 0),
                                         numbers(maker, mean, 2), numbers(maker, 1.25, 0)});
    maker.output(maker.dense(maker.add("Relu", {maker.dense(y, kInputs, 300)}), 300, 8));
    return maker.network;
}

Array rows_around(double mean) {
    std::mt19937 random(7);
    std::normal_distribution<double> normal;
    Array array{{kRows, kInputs}, {}};
    for (std::int64_t i = 0; i < kRows * kInputs; ++i)
        array.numbers.push_back(static_cast<double>(
            static_cast<float>(mean + 2 * static_cast<double>(i % kInputs) + normal(random))));
    return array;
}

/// The largest error of `network` in `precision` on rows around `mean`, of the largest output.
double error_of(const Network& network, double mean, Precision precision, bool planned = true) {
    const auto path = std::filesystem::path(testing::TempDir()) /
                      ("bunch-accuracy-" + std::to_string(::getpid()) + ".onnx");
    std::ofstream(path, std::ios::binary) << onnx_bytes(network);
    cpu::CpuModelOptions options;
    options.precision = precision;
    options.planned = planned;
    const auto model = cpu::CpuModel::load(path, options);
    std::filesystem::remove(path);
    EXPECT_TRUE(model.ok()) << model.status().to_string();
    if (!model.ok()) return 1;
    const Array rows = rows_around(mean);
    const Array wanted = evaluate(network, {{network.inputs[0].name, rows}}).begin()->second;
    const std::vector<float> given(rows.numbers.begin(), rows.numbers.end());
    std::vector<float> made(wanted.numbers.size());
    const ConstTensorView input(DataType::f32, Shape{kRows, kInputs},
                                std::as_bytes(std::span(given)));
    const TensorView output{DataType::f32, Shape{kRows, 8},
                            std::as_writable_bytes(std::span(made))};
    std::vector<Shape> shapes;
    EXPECT_TRUE((*(*model)->open())->run({&input, 1}, {&output, 1}, shapes).ok());
    double difference = 0, largest = 0;
    for (std::size_t i = 0; i < made.size(); ++i) {
        difference =
            std::max(difference, std::abs(static_cast<double>(made[i]) - wanted.numbers[i]));
        largest = std::max(largest, std::abs(wanted.numbers[i]));
    }
    return difference / largest;
}

TEST(InputsFarFromZero, KeepTheirDigitsInF32) {
    for (const double mean : {10.0, 1000.0, 10000.0}) {
        SCOPED_TRACE("mean " + std::to_string(mean));
        EXPECT_LE(error_of(normalised(mean), mean, Precision::f32), 3e-6);
        EXPECT_LE(error_of(normalised(mean), mean, Precision::f32, false), 3e-6);
    }
}

TEST(InputsFarFromZero, AreNormalisedBeforeTheyAreRoundedToBf16) {
    if (!cpu::check_precision(Precision::bf16).ok()) GTEST_SKIP() << "this processor has no bf16";
    for (const double mean : {1.0, 1000.0}) {
        SCOPED_TRACE("mean " + std::to_string(mean));
        EXPECT_LE(error_of(normalised(mean), mean, Precision::bf16), 0.02);
    }
}

TEST(MadeUpInputs, LieWhereNormalisationsExpectThem) {
    Result<Graph> graph = graph_of(normalised(1000), true);
    ASSERT_TRUE(graph.ok()) << graph.status().to_string();

    const std::vector<float> numbers = cpu::made_up_inputs(*graph, 50)[0];

    ASSERT_EQ(numbers.size(), 50U * kInputs);
    for (std::size_t i = 0; i < numbers.size(); ++i)
        ASSERT_NEAR(numbers[i], 1000 + 2.0 * static_cast<double>(i % kInputs), 3)
            << "element " << i;
}

std::vector<float> made_up_inputs(const Network& network) {
    const std::string bytes = onnx_bytes(network);
    const auto operators = parse_operator_graph(std::as_bytes(std::span(bytes)), {});
    EXPECT_TRUE(operators.ok()) << operators.status().to_string();
    Result<Graph> graph = lower(*operators, true);
    EXPECT_TRUE(graph.ok()) << graph.status().to_string();
    simplify(*graph);
    return cpu::made_up_inputs(*graph, 50)[0];
}

// Images of 0 to 255, say, of which -1 to 1 would leave 0 and 1.
TEST(MadeUpInputs, FillTheGridThatTheyAreRoundedTo) {
    for (const bool moved : {false, true}) {
        QuantisedMaker maker(3, true);
        std::string x = maker.input({-1, 8, 8, 3});
        if (moved) x = maker.add("Transpose", {x}, {{"perm", Extents{0, 3, 1, 2}}});
        x = maker.rounded(x, {1, 3, false});
        maker.output(maker.add("Relu", {x}));
        SCOPED_TRACE(moved ? "behind a Transpose" : "at once");

        const std::vector<float> numbers = made_up_inputs(maker.network);

        ASSERT_EQ(numbers.size(), 50U * 8 * 8 * 3);
        const auto [least, most] = std::minmax_element(numbers.begin(), numbers.end());
        EXPECT_GE(*least, -3);
        EXPECT_LT(*least, 0);
        EXPECT_LE(*most, 252);
        EXPECT_GT(*most, 250);
    }
}

TEST(MadeUpInputs, FillTheGridBehindANormalisation) {
    QuantisedMaker maker(3, true);
    const std::string x = maker.add("Sub", {maker.input({-1, kInputs}), numbers(maker, 1000, 2)});
    maker.output(maker.add("Relu", {maker.rounded(x, {0.5, 128, false})}));

    const std::vector<float> numbers = made_up_inputs(maker.network);

    float least = 0, most = 0;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const float about = 1000 + 2 * static_cast<float>(i % kInputs);
        least = std::min(least, numbers[i] - about);
        most = std::max(most, numbers[i] - about);
    }
    EXPECT_GE(least, -64);
    EXPECT_LT(least, -60);
    EXPECT_LE(most, 63.5F);
    EXPECT_GT(most, 60);
}

}  // namespace
}  // namespace bunch::test_network
