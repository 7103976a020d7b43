// What simplify() leaves of a network. That it still computes the same is tests/backends/cpu's.
#include "backends/graph/passes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "backends/graph/onnx_reader.h"
#include "tests/backends/graph/network_maker.h"

namespace bunch::test_network {
namespace {

Graph simplified(const Network& network) {
    const std::string bytes = onnx_bytes(network);
    Result<Graph> graph = parse_onnx(std::as_bytes(std::span(bytes)), {});
    EXPECT_TRUE(graph.ok()) << graph.status().to_string();
    simplify(*graph);
    return std::move(graph).value();
}

template <typename Kind>
std::size_t count_of(const Graph& graph) {
    return static_cast<std::size_t>(
        std::count_if(graph.nodes.begin(), graph.nodes.end(),
                      [](const Node& node) { return std::holds_alternative<Kind>(node.op); }));
}

TEST(Passes, MakeOneNodeOfConvolutionNormResidualAndActivation) {
    NetworkMaker maker(1);
    const std::string x = maker.input({-1, 8, 6, 6});
    const std::string y = maker.batch_norm(maker.convolution(x, 8, 8, 3), 8);
    maker.output(maker.add("Relu", {maker.add("Add", {y, x})}));

    const Graph graph = simplified(maker.network);

    ASSERT_EQ(graph.nodes.size(), 1U);
    EXPECT_EQ(graph.nodes[0].residual, graph.inputs[0]);
    EXPECT_EQ(graph.nodes[0].epilogue, (Activation{Activation::Kind::leaky_relu, 0, 0}));
    EXPECT_EQ(graph.nodes[0].output, graph.outputs[0]);
}

TEST(Passes, GiveTheResidualToTheLaterOfTwoConvolutions) {
    NetworkMaker maker(1);
    const std::string x = maker.input({-1, 8, 6, 6});
    const std::string first = maker.convolution(x, 8, 8, 3);
    const std::string second = maker.convolution(x, 8, 8, 1);
    maker.output(maker.add("Add", {second, first}));

    const Graph graph = simplified(maker.network);

    ASSERT_EQ(graph.nodes.size(), 2U);
    EXPECT_FALSE(graph.nodes[0].residual.has_value());
    EXPECT_EQ(graph.nodes[1].residual, graph.nodes[0].output);
}

TEST(Passes, FoldNormalisationBeforeAndAfterDenseLayers) {
    NetworkMaker maker(1);
    std::string x = maker.batch_norm(maker.input({-1, 5}), 5);
    x = maker.batch_norm(maker.dense(x, 5, 7), 7);
    x = maker.add("Mul", {maker.add("Sub", {x, maker.constant({7})}), maker.constant({1, 7})});
    maker.output(maker.add("Tanh", {x}));

    const Graph graph = simplified(maker.network);

    ASSERT_EQ(graph.nodes.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<Dense>(graph.nodes[0].op));
    EXPECT_EQ(graph.nodes[0].epilogue.kind, Activation::Kind::tanh);
}

TEST(Passes, DoNotFoldALargeShiftIntoTheLayerBehindIt) {
    NetworkMaker maker(1);
    const std::string x = maker.add("Sub", {maker.input({-1, 5}), maker.number(9)});
    maker.output(maker.dense(maker.add("Mul", {x, maker.constant({5})}), 5, 7));

    const Graph graph = simplified(maker.network);

    ASSERT_EQ(graph.nodes.size(), 2U);
    ASSERT_TRUE(std::holds_alternative<Affine>(graph.nodes[0].op));
    ASSERT_EQ(graph.nodes[0].inputs.size(), 4U);
    EXPECT_EQ(floats(graph.at(graph.nodes[0].inputs[3]))[4], 9.0F);
}

TEST(Passes, KeepANormalisationWhoseInputIsReadElsewhere) {
    NetworkMaker maker(1);
    const std::string x = maker.dense(maker.input({-1, 5}), 5, 7);
    maker.output(maker.batch_norm(x, 7));
    maker.output(maker.add("Relu", {x}));

    const Graph graph = simplified(maker.network);

    EXPECT_EQ(count_of<Affine>(graph), 1U);
    EXPECT_EQ(count_of<Elementwise>(graph), 1U);
}

TEST(Passes, TakeOutWhatChangesNothing) {
    NetworkMaker maker(1);
    std::string x = maker.add("Identity", {maker.input({-1, 5})});
    x = maker.add("Dropout", {maker.add("Relu", {x})});
    x = maker.add("Flatten", {maker.add("Transpose", {x}, {{"perm", Extents{0, 1}}})});
    maker.output(maker.add("Reshape", {x, maker.integers({-1, 5})}));

    const Graph graph = simplified(maker.network);

    ASSERT_EQ(graph.nodes.size(), 1U);
    EXPECT_EQ(graph.nodes[0].output, graph.outputs[0]);
}

TEST(Passes, DropNodesAndConstantsThatNobodyNeeds) {
    NetworkMaker maker(1);
    const std::string x = maker.input({-1, 5});
    maker.dense(x, 5, 9);
    maker.output(maker.batch_norm(maker.dense(x, 5, 7), 7));

    const Graph graph = simplified(maker.network);

    EXPECT_EQ(graph.nodes.size(), 1U);
    const auto kept = std::count_if(graph.values.begin(), graph.values.end(),
                                    [](const Value& v) { return v.constant.has_value(); });
    EXPECT_EQ(kept, 2);
}

TEST(Passes, LeaveAnAdditionOfOneValueToItself) {
    NetworkMaker maker(1);
    const std::string x = maker.dense(maker.input({-1, 5}), 5, 5);
    maker.output(maker.add("Add", {x, x}));

    EXPECT_EQ(count_of<Binary>(simplified(maker.network)), 1U);
}

}  // namespace
}  // namespace bunch::test_network
