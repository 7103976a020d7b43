// The kernels of small dense networks, each variant that this processor can run.
#include "backends/cpu/mlp.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <ostream>

#include "tests/backends/cpu/compare.h"
#include "tests/backends/graph/network_maker.h"

namespace bunch::cpu {

void PrintTo(const MlpVariant& variant, std::ostream* out) {
    *out << variant.name;
}

namespace {

using test_network::NetworkMaker;

class MlpKernel : public testing::TestWithParam<MlpVariant> {
  protected:
    void SetUp() override {
        if (!GetParam().usable) GTEST_SKIP() << "this processor cannot run " << GetParam().name;
    }

    // What the variant makes of `numbers`, row by row.
    std::vector<float> run(const test_network::Network& network, const std::vector<float>& numbers,
                           std::size_t rows, std::size_t outputs) {
        Result<Graph> graph = test_network::graph_of(network, true);
        EXPECT_TRUE(graph.ok()) << graph.status().to_string();
        const std::size_t length = mlp_chain_length(*graph, graph->nodes);
        EXPECT_EQ(length, graph->nodes.size());
        const Mlp mlp(*graph, graph->nodes, GetParam());
        std::vector<float> result(rows * outputs);
        mlp.run(numbers.data(), result.data(), rows);
        return result;
    }
};

TEST_P(MlpKernel, AgreesWithTheReferenceForEveryWidthAndRemainderOfRows) {
    unsigned seed = 7;
    for (const std::int64_t width : {1, 3, 8, 15, 16, 17, 31, 32, 33, 48, 63, 64}) {
        NetworkMaker maker(++seed);
        SCOPED_TRACE("seed " + std::to_string(seed) + ", width " + std::to_string(width));
        std::string x = maker.input({-1, 19});
        x = maker.add("Tanh", {maker.dense(x, 19, width)});
        maker.output(maker.add("Sigmoid", {maker.dense(x, width, 5)}));
        const std::int64_t rows = maker.between(1, 30);
        const test_network::Array inputs = maker.numbers({rows, 19});
        const auto expected =
            evaluate(maker.network, {{maker.network.inputs[0].name, inputs}}).begin()->second;

        const auto actual = run(maker.network, {inputs.numbers.begin(), inputs.numbers.end()},
                                static_cast<std::size_t>(rows), 5);

        for (std::size_t i = 0; i < actual.size(); ++i)
            EXPECT_NEAR(static_cast<double>(actual[i]), expected.numbers[i], 2e-6);
    }
}

TEST_P(MlpKernel, ActivationsHoldAtTheEndsOfTheirRange) {
    const float infinity = std::numeric_limits<float>::infinity();
    const std::vector<float> numbers = {-infinity, -1e30F, -90,   -1e-20F, 0,
                                        1e-20F,    90,     1e30F, infinity};
    for (const char* type : {"Relu", "Sigmoid", "Tanh"}) {
        SCOPED_TRACE(type);
        NetworkMaker maker(1);
        const std::string weight = maker.constant({1, 1});
        maker.network.constants[weight].numbers = {1};
        const std::string y = maker.add("MatMul", {maker.input({-1, 1}), weight});
        maker.output(maker.add(type, {y}));

        const auto actual = run(maker.network, numbers, numbers.size(), 1);

        for (std::size_t i = 0; i < numbers.size(); ++i) {
            const double x = static_cast<double>(numbers[i]);
            const double expected = type == std::string("Relu")      ? std::fmax(x, 0.0)
                                    : type == std::string("Sigmoid") ? 1 / (1 + std::exp(-x))
                                                                     : std::tanh(x);
            if (std::isinf(expected))
                EXPECT_EQ(static_cast<double>(actual[i]), expected) << x;
            else
                EXPECT_NEAR(static_cast<double>(actual[i]), expected,
                            1e-6 * (1 + std::abs(expected)))
                    << x;
        }
    }
}

TEST_P(MlpKernel, NotANumberStaysInItsRow) {
    NetworkMaker maker(1);
    maker.output(maker.add("Relu", {maker.dense(maker.input({-1, 2}), 2, 3)}));
    std::vector<float> numbers(20, 1.0F);
    numbers[7] = std::numeric_limits<float>::quiet_NaN();  // of row 3

    const auto actual = run(maker.network, numbers, 10, 3);

    for (std::size_t i = 0; i < actual.size(); ++i)
        EXPECT_EQ(std::isnan(actual[i]), i / 3 == 3) << i;
}

INSTANTIATE_TEST_SUITE_P(Variants, MlpKernel, testing::ValuesIn(mlp_variants()),
                         [](const auto& variant) { return std::string(variant.param.name); });

TEST_P(MlpKernel, AgreesWithTheReferenceForManyRowsOfEveryLength) {
    unsigned seed = 90;
    for (const std::int64_t inputs : {1, 2, 5, 8, 15, 16, 17, 40, 128, 129}) {
        for (const std::int64_t outputs : {1, 3, 16, 21, 64}) {
            NetworkMaker maker(++seed);
            SCOPED_TRACE("seed " + std::to_string(seed));
            const std::int64_t width = maker.between(1, 64);
            const std::string x =
                maker.add("Relu", {maker.dense(maker.input({-1, inputs}), inputs, width)});
            maker.output(maker.add("Tanh", {maker.dense(x, width, outputs)}));
            const std::int64_t rows = maker.between(64, 200);
            const test_network::Array numbers = maker.numbers({rows, inputs});
            const auto expected =
                evaluate(maker.network, {{maker.network.inputs[0].name, numbers}}).begin()->second;

            const auto actual =
                run(maker.network, {numbers.numbers.begin(), numbers.numbers.end()},
                    static_cast<std::size_t>(rows), static_cast<std::size_t>(outputs));

            ASSERT_EQ(actual.size(), expected.numbers.size());
            for (std::size_t i = 0; i < actual.size(); ++i)
                ASSERT_NEAR(static_cast<double>(actual[i]), expected.numbers[i], 4e-6) << i;
        }
    }
}

TEST(MlpChain, EndsWhereALayerIsTooWideOrReadTwice) {
    NetworkMaker maker(1);
    const std::string first = maker.dense(maker.input({-1, 8}), 8, 16);
    const std::string second = maker.dense(first, 16, 129);
    maker.output(maker.dense(second, 129, 4));
    Result<Graph> wide = test_network::graph_of(maker.network, true);
    ASSERT_TRUE(wide.ok());
    maker.output(first);
    Result<Graph> shared = test_network::graph_of(maker.network, true);
    ASSERT_TRUE(shared.ok());

    EXPECT_EQ(mlp_chain_length(*wide, wide->nodes), 1U);
    EXPECT_EQ(mlp_chain_length(*wide, std::span(wide->nodes).subspan(1)), 0U);
    EXPECT_EQ(mlp_chain_length(*wide, std::span(wide->nodes).subspan(2)), 1U);
    EXPECT_EQ(mlp_chain_length(*shared, shared->nodes), 1U);
}

}  // namespace
}  // namespace bunch::cpu
