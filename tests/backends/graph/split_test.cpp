#include "backends/graph/split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/graph/onnx_reader.h"
#include "backends/graph/shape_inference.h"
#include "tests/backends/graph/network_maker.h"

namespace bunch::test_network {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Graph read(const Network& network) {
    const std::string bytes = onnx_bytes(network);
    Result<Graph> graph = parse_onnx(std::as_bytes(std::span(bytes)), {});
    EXPECT_TRUE(graph.ok()) << graph.status().to_string();
    return std::move(graph).value();
}

std::vector<std::size_t> places(const Graph& graph) {
    std::vector<std::size_t> nodes;
    for (const Cut& cut : cuts_of(graph)) nodes.push_back(cut.node);
    return nodes;
}

TEST(Cuts, LieWhereOneTensorPasses) {
    NetworkMaker maker(1);
    const std::string a = maker.add("Relu", {maker.input({-1, 4})});
    const std::string b = maker.add("Add", {maker.add("Tanh", {a}), a});
    maker.output(maker.add("Sigmoid", {b}));

    const Graph graph = read(maker.network);

    // Not behind the Tanh: there the Relu's output passes too.
    EXPECT_THAT(places(graph), ElementsAre(1, 3));
}

TEST(Cuts, AreNotWhereAnInputOrAnOutputWouldBeOnTheWrongSide) {
    NetworkMaker maker(1);
    const std::string x = maker.input({-1, 4});
    const std::string a = maker.add("Relu", {x});
    maker.output(a);
    maker.output(maker.add("Add", {maker.add("Tanh", {a}), x}));

    EXPECT_THAT(places(read(maker.network)), IsEmpty());
}

TEST(Parts, KeepIdsAndBorrowConstants) {
    NetworkMaker maker(1);
    const std::string y = maker.dense(maker.input({-1, 4}), 4, 6);
    maker.output(maker.dense(y, 6, 2));
    const Graph graph = read(maker.network);
    const std::vector<Cut> cuts = cuts_of(graph);
    ASSERT_FALSE(cuts.empty());

    const Graph part = part_of(graph, std::span(graph.nodes).subspan(cuts.back().node),
                               {cuts.back().value}, graph.outputs);

    ASSERT_EQ(part.nodes.size(), graph.nodes.size() - cuts.back().node);
    EXPECT_EQ(part.nodes.back().output, graph.nodes.back().output);
    const ValueId weights = part.nodes.back().inputs[1];
    EXPECT_EQ(floats(part.at(weights)).data(), floats(graph.at(weights)).data());
}

}  // namespace
}  // namespace bunch::test_network
