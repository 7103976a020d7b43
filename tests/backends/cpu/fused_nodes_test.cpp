// Nodes that run as one give what they give one by one.
#include "backends/cpu/fused_nodes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "backends/cpu/interpreter.h"
#include "tests/backends/graph/network_maker.h"

namespace bunch::test_network {
namespace {

using cpu::Interpreter;
using cpu::InterpreterOptions;
using testing::ElementsAre;
using testing::HasSubstr;

OperatorGraph graph_of(const Network& network) {
    const std::string bytes = onnx_bytes(network);
    auto graph = parse_operator_graph(std::as_bytes(std::span(bytes)), {});
    EXPECT_TRUE(graph.ok()) << graph.status().to_string();
    return std::move(graph).value();
}

struct Outcome {
    std::vector<std::vector<float>> outputs;
    std::vector<std::string> labels;  ///< of what ran
};

Outcome run(const OperatorGraph& graph, const InterpreterOptions& options, const Array& input) {
    auto interpreter = Interpreter::prepare(graph, options);
    EXPECT_TRUE(interpreter.ok()) << interpreter.status().to_string();
    Outcome outcome;
    (*interpreter)->observe([&](const Interpreter::NodeRun& one) {
        outcome.labels.push_back(one.node.spec.label);
    });
    const std::vector<float> numbers(input.numbers.begin(), input.numbers.end());
    const ConstTensorView view(DataType::f32, *Shape::from(input.extents),
                               std::as_bytes(std::span(numbers)));
    const auto made = (*interpreter)->run({&view, 1});
    EXPECT_TRUE(made.ok()) << made.status().to_string();
    for (const kernels::Held& held : *made) {
        const auto* first = reinterpret_cast<const float*>(held.view.bytes.data());
        outcome.outputs.emplace_back(first, first + held.view.bytes.size() / sizeof(float));
    }
    return outcome;
}

// Runs the network as one would and node by node in plain loops; returns what ran in the first.
std::vector<std::string> expect_same(const Network& network, const Array& input) {
    const OperatorGraph graph = graph_of(network);
    InterpreterOptions plain;
    plain.fast = plain.fused = false;
    const Outcome expected = run(graph, plain, input), actual = run(graph, {}, input);
    EXPECT_EQ(expected.outputs.size(), actual.outputs.size());
    for (std::size_t o = 0; o < expected.outputs.size(); ++o) {
        EXPECT_EQ(expected.outputs[o].size(), actual.outputs[o].size());
        for (std::size_t i = 0; i < expected.outputs[o].size(); ++i)
            EXPECT_NEAR(actual.outputs[o][i], expected.outputs[o][i], 1e-5F) << o << " " << i;
    }
    return actual.labels;
}

TEST(FusedNodes, DenseLayersOfAnyShapeRunAsOne) {
    for (unsigned seed = 1; seed <= 8; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        NetworkMaker maker(seed);
        const std::int64_t inputs = maker.between(1, 150), middle = maker.between(1, 128);
        std::string x = maker.input({-1, 3, inputs});
        x = maker.add("MatMul", {x, maker.constant({inputs, middle}, 0.1)});
        x = maker.add("Add", {maker.constant({middle}), x});
        x = maker.add("Tanh", {x});
        x = maker.add("MatMul", {x, maker.constant({middle, 5}, 0.1)});
        maker.output(maker.add("LeakyRelu", {x}));

        const auto ran =
            expect_same(maker.network, maker.numbers({maker.between(1, 40), 3, inputs}));

        EXPECT_EQ(ran.size(), 1);
    }
}

TEST(FusedNodes, ABiasForEveryRowOfItsOwnIsNoPartOfADenseLayer) {
    NetworkMaker maker(1);
    std::string x = maker.input({-1, 4, 6});
    x = maker.add("MatMul", {x, maker.constant({6, 4})});
    maker.output(maker.add("Add", {x, maker.constant({4, 4})}));

    const auto ran = expect_same(maker.network, maker.numbers({2, 4, 6}));

    EXPECT_EQ(ran.size(), 2);
}

TEST(FusedNodes, WhatIsReadTwiceOrAnOutputIsStillMade) {
    NetworkMaker maker(1);
    const std::string x = maker.input({-1, 4, 6});
    const std::string y = maker.add("MatMul", {x, maker.constant({6, 8})});
    maker.output(y);
    const std::string z = maker.add("Relu", {y});
    maker.output(maker.add("Mul", {z, maker.add("Sigmoid", {z})}));

    const auto ran = expect_same(maker.network, maker.numbers({2, 4, 6}));

    EXPECT_EQ(ran.size(), 4);
}

TEST(FusedNodes, PointwiseConvolutionsTakeNormalisationAndActivationAlong) {
    for (unsigned seed = 1; seed <= 8; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        NetworkMaker maker(seed);
        const std::int64_t channels = maker.between(1, 70), outputs = maker.between(1, 70),
                           height = maker.between(1, 5), width = maker.between(1, 40);
        std::string x = maker.input({-1, channels, height, width});
        x = maker.convolution(x, channels, outputs, 1);
        if (seed % 2 == 0) x = maker.batch_norm(x, outputs);
        // Something that no plan has, so that the tail is a node of its own.
        maker.output(maker.add("Abs", {maker.add("Relu", {x})}));

        const auto ran = expect_same(maker.network,
                                     maker.numbers({maker.between(1, 4), channels, height, width}));

        ASSERT_EQ(ran.size(), 2);
        EXPECT_THAT(ran[0], HasSubstr(" to node "));
    }
}

TEST(FusedNodes, OtherConvolutionsAreLeftAlone) {
    NetworkMaker maker(1);
    std::string x = maker.input({-1, 4, 6, 6});
    x = maker.convolution(x, 4, 8, 1, 2);
    maker.output(maker.add("Relu", {maker.convolution(x, 8, 8, 3)}));

    const auto ran = expect_same(maker.network, maker.numbers({2, 4, 6, 6}));

    EXPECT_EQ(ran.size(), 3);
}

TEST(FusedNodes, InputsThatDoNotFitAreRefusedByName) {
    NetworkMaker maker(1);
    const std::string x = maker.input({-1, -1});
    maker.output(maker.add("Relu", {maker.add("MatMul", {x, maker.constant({6, 8})})}));
    const OperatorGraph graph = graph_of(maker.network);
    auto interpreter = Interpreter::prepare(graph);
    ASSERT_TRUE(interpreter.ok());
    const std::vector<float> numbers(10);
    const ConstTensorView view(DataType::f32, Shape{2, 5}, std::as_bytes(std::span(numbers)));

    const auto made = (*interpreter)->run({&view, 1});

    ASSERT_FALSE(made.ok());
    EXPECT_THAT(made.status().message(), HasSubstr("(MatMul) to node"));
    EXPECT_THAT(made.status().message(), HasSubstr("FP32[2,5]"));
}

}  // namespace
}  // namespace bunch::test_network
