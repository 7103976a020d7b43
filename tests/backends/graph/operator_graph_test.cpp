#include "backends/graph/operator_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>

#include "tests/backends/graph/network_maker.h"

namespace bunch::test_network {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Result<OperatorGraph> parse(const onnx::ModelProto& model) {
    const std::string bytes = model.SerializeAsString();
    return parse_operator_graph(std::as_bytes(std::span(bytes)), {});
}

onnx::ModelProto model_of(const Network& network) {
    onnx::ModelProto model;
    EXPECT_TRUE(model.ParseFromString(onnx_bytes(network)));
    return model;
}

onnx::NodeProto& add_node(onnx::GraphProto& graph, const std::string& type,
                          const std::vector<std::string>& inputs, const std::string& output) {
    onnx::NodeProto& node = *graph.add_node();
    node.set_op_type(type);
    node.set_name(type + "_of_" + output);
    for (const std::string& input : inputs) node.add_input(input);
    node.add_output(output);
    return node;
}

/// x [N,4], and an If on `condition` that takes its negative or its exponential.
onnx::ModelProto model_with_if(const std::string& condition) {
    NetworkMaker maker(1);
    maker.input({-1, 4});
    onnx::ModelProto model = model_of(maker.network);
    onnx::GraphProto& graph = *model.mutable_graph();
    onnx::TensorProto& yes = *graph.add_initializer();
    yes.set_name("yes");
    yes.set_data_type(onnx::TensorProto::BOOL);
    yes.add_int32_data(1);
    onnx::TensorProto& four = *graph.add_initializer();
    four.set_name("four");
    four.set_data_type(onnx::TensorProto::INT64);
    four.add_int64_data(4);
    four.add_dims(1);
    add_node(graph, "Size", {"v0"}, "size");
    add_node(graph, "Equal", {"size", "four"}, "is_small");
    add_node(graph, "ReduceMax", {"v0"}, "most");
    add_node(graph, "Cast", {"most"}, "is_positive").add_attribute();
    onnx::AttributeProto& to = *graph.mutable_node(graph.node_size() - 1)->mutable_attribute(0);
    to.set_name("to");
    to.set_type(onnx::AttributeProto::INT);
    to.set_i(onnx::TensorProto::BOOL);
    onnx::NodeProto& node = add_node(graph, "If", {condition}, "y");
    for (const auto& [name, type] :
         {std::pair("then_branch", "Neg"), std::pair("else_branch", "Exp")}) {
        onnx::AttributeProto& branch = *node.add_attribute();
        branch.set_name(name);
        branch.set_type(onnx::AttributeProto::GRAPH);
        add_node(*branch.mutable_g(), type, {"v0"}, std::string("result_") + type);
        branch.mutable_g()->add_output()->set_name(std::string("result_") + type);
    }
    graph.add_output()->set_name("y");
    return model;
}

TEST(OperatorGraph, TakesTheBranchOfAConstantCondition) {
    const auto graph = parse(model_with_if("yes"));

    ASSERT_TRUE(graph.ok()) << graph.status().to_string();
    ASSERT_EQ(graph->nodes.size(), 6U);
    EXPECT_EQ(graph->nodes[4].spec.type, "Neg");
    EXPECT_EQ(graph->nodes[5].spec.type, "Identity");
    EXPECT_EQ(graph->at(graph->outputs[0]).name, "y") << "as the model calls it, not the branch";
}

TEST(OperatorGraph, KeepsBothBranchesOfAConditionOnShapes) {
    const auto graph = parse(model_with_if("is_small"));

    ASSERT_TRUE(graph.ok()) << graph.status().to_string();
    ASSERT_EQ(graph->nodes.back().branches.size(), 2U);
    EXPECT_EQ(graph->nodes.back().branches[1].nodes[0].spec.type, "Exp");
}

TEST(OperatorGraph, RefusesAnIfOnData) {
    const Status status = parse(model_with_if("is_positive")).status();

    EXPECT_EQ(status.code(), StatusCode::unimplemented);
    EXPECT_THAT(status.message(),
                AllOf(HasSubstr("node 'If_of_y' (If)"), HasSubstr("does not depend on the data")));
}

TEST(OperatorGraph, ComputesWhatExportersLeaveToBeComputed) {
    NetworkMaker maker(1);
    const std::string x = maker.input({-1, 4});
    // Pads as PyTorch exports them.
    const std::string zeros = maker.add("ConstantOfShape", {maker.integers({2})});
    const std::string pads = maker.add(
        "Concat", {maker.add("Cast", {zeros}, {{"to", std::int64_t{7}}}), maker.integers({1, 2})},
        {{"axis", std::int64_t{0}}});
    const std::string pairs = maker.add("Reshape", {pads, maker.integers({-1, 2})});
    const std::string turned =
        maker.add("Slice", {pairs, maker.integers({-1}), maker.integers({-1000}),
                            maker.integers({0}), maker.integers({-1})});
    maker.output(maker.add("Pad", {x, maker.add("Reshape", {maker.add("Transpose", {turned}),
                                                            maker.integers({-1})})}));

    const auto graph = parse(model_of(maker.network));

    ASSERT_TRUE(graph.ok()) << graph.status().to_string();
    ASSERT_EQ(graph->nodes.size(), 1U);
    const Tensor& folded = *graph->at(*graph->nodes[0].inputs[1]).constant;
    std::vector<std::int64_t> numbers(4);
    std::memcpy(numbers.data(), folded.buffer.bytes().data(), 32);
    EXPECT_EQ(numbers, (std::vector<std::int64_t>{1, 0, 2, 0}));
}

TEST(OperatorGraph, NamesCyclesAndLooseEnds) {
    NetworkMaker maker(1);
    const std::string x = maker.input({-1, 4});
    maker.output(maker.add("Add", {maker.add("Neg", {x}), x}));
    onnx::ModelProto cycle = model_of(maker.network), loose = cycle, alone = cycle;
    cycle.mutable_graph()->mutable_node(0)->set_input(0, cycle.graph().node(1).output(0));
    loose.mutable_graph()->mutable_node(0)->set_input(0, "nothing");
    alone.mutable_graph()->mutable_output(0)->set_name("nobody");

    EXPECT_THAT(parse(cycle).status().message(),
                AllOf(HasSubstr("(Neg) reads"), HasSubstr("the graph has a cycle")));
    EXPECT_THAT(parse(loose).status().message(),
                AllOf(HasSubstr("reads 'nothing', which nothing before it computes"),
                      testing::Not(HasSubstr("cycle"))));
    EXPECT_THAT(parse(alone).status().message(),
                HasSubstr("output 'nobody' is computed by no node"));
}

TEST(OperatorGraph, NamesWhatIsOutsideByOperatorAndNode) {
    for (const char* type : {"Loop", "Scan", "RandomNormal", "Bernoulli", "SequenceInsert",
                             "StringNormalizer", "NonMaxSuppression"}) {
        NetworkMaker maker(1);
        maker.output(maker.add(type, {maker.input({-1, 4})}));

        const Status status = parse(model_of(maker.network)).status();

        EXPECT_EQ(status.code(), StatusCode::unimplemented);
        EXPECT_THAT(status.message(), HasSubstr("(" + std::string(type) + "): operator " + type +
                                                " is not supported"));
    }
}

TEST(OperatorGraph, NamesTypesThatAreNoNumbers) {
    NetworkMaker maker(1);
    maker.output(maker.add("Neg", {maker.input({-1, 4})}));
    onnx::ModelProto model = model_of(maker.network);
    model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
        onnx::TensorProto::STRING);

    EXPECT_THAT(parse(model).status().message(),
                HasSubstr("input 'v0' has elements that are neither numbers nor bool"));
}

TEST(OperatorGraph, NamesConstantsWhoseShapesDoNotFit) {
    NetworkMaker maker(1);
    maker.output(
        maker.add("Add", {maker.input({-1, 4}),
                          maker.add("MatMul", {maker.constant({2, 3}), maker.constant({2, 3})})}));

    const Status status = parse(model_of(maker.network)).status();

    EXPECT_EQ(status.code(), StatusCode::invalid_argument);
    EXPECT_THAT(status.message(),
                HasSubstr("(MatMul) has inputs FP32[2,3], FP32[2,3], which do not fit"));
}

TEST(OperatorGraph, RefusesATensorLargerThanAnyMachineHoldsThoughItsFileClaimsIt) {
    std::string folder = testing::TempDir() + "bunch-sparse-XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    std::ofstream(folder + "/weights").put('x');
    std::filesystem::resize_file(folder + "/weights", std::uintmax_t{1} << 37);
    NetworkMaker maker(1);
    maker.output(maker.add("Add", {maker.input({-1, 4}), "w"}));
    onnx::ModelProto model = model_of(maker.network);
    onnx::TensorProto& tensor = *model.mutable_graph()->add_initializer();
    tensor.set_name("w");
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    tensor.add_dims(std::int64_t{1} << 35);
    tensor.set_data_location(onnx::TensorProto::EXTERNAL);
    onnx::StringStringEntryProto& entry = *tensor.add_external_data();
    entry.set_key("location"), entry.set_value("weights");
    std::ofstream(folder + "/model.onnx", std::ios::binary) << model.SerializeAsString();

    const Status status = read_operator_graph(folder + "/model.onnx").status();

    std::filesystem::remove_all(folder);
    EXPECT_EQ(status.code(), StatusCode::resource_exhausted);
    EXPECT_THAT(status.message(), HasSubstr("a tensor may have"));
}

TEST(OperatorGraph, ReportsWhatIsNotFiniteWhereverItComesFrom) {
    NetworkMaker maker(1);
    std::string x = maker.input({-1, 2});
    x = maker.add("Add", {x, maker.add("Sqrt", {maker.constant({2})})});
    maker.network.constants.begin()->second.numbers = {-1, 4};
    maker.output(maker.add("Clip", {x, maker.number(-std::numeric_limits<double>::infinity())}));
    onnx::ModelProto model = model_of(maker.network);
    onnx::TensorProto& half = *model.mutable_graph()->add_initializer();
    half.set_name("half");
    half.set_data_type(onnx::TensorProto::FLOAT16);
    half.add_dims(2);
    half.add_int32_data(0x7c00), half.add_int32_data(0);

    const auto graph = parse(model);

    ASSERT_TRUE(graph.ok()) << graph.status().to_string();
    EXPECT_THAT(graph->not_finite, testing::ElementsAre("half", "v2"))
        << "an infinite bound alone is meant";
}

TEST(OperatorGraph, ReportsWeightsThatAreNotFinite) {
    NetworkMaker maker(1);
    maker.output(maker.add("Add", {maker.input({-1, 1}), maker.number(std::nan(""))}));

    const auto graph = parse(model_of(maker.network));

    ASSERT_TRUE(graph.ok());
    EXPECT_EQ(graph->not_finite, std::vector<std::string>{"v1"});
}

TEST(OperatorGraph, RefusesAFileOfZerosHoweverLarge) {
    const auto path =
        std::filesystem::path(testing::TempDir()) / ("bunch-zeros-" + std::to_string(::getpid()));
    std::ofstream(path) << "";
    const auto message = [&](std::uintmax_t size) {
        std::filesystem::resize_file(path, size);
        return read_operator_graph(path).status().message();
    };

    EXPECT_THAT(message(1 << 20), AllOf(HasSubstr(path.string()), HasSubstr("not an ONNX file")));
    EXPECT_THAT(message(std::uintmax_t{4} << 30),
                AllOf(HasSubstr(path.string()), HasSubstr("more than 2 GiB")));
    std::filesystem::remove(path);
}

TEST(OperatorGraph, SurvivesCorruptFiles) {
    const std::string bytes = model_with_if("is_small").SerializeAsString();
    for (unsigned seed = 1; seed <= 3000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937 random(seed);
        std::string spoilt = bytes;
        for (unsigned i = 0; i <= seed % 8; ++i)
            spoilt[random() % spoilt.size()] = static_cast<char>(random());

        const auto graph = parse_operator_graph(std::as_bytes(std::span(spoilt)), {});

        EXPECT_TRUE(graph.ok() || !graph.status().message().empty());
    }
}

}  // namespace
}  // namespace bunch::test_network
