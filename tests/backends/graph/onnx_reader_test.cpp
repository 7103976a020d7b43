#include "backends/graph/onnx_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <random>
#include <string>

#include "backends/graph/passes.h"
#include "tests/backends/graph/network_maker.h"

namespace bunch::test_network {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Result<Graph> parse(const std::string& bytes, const std::filesystem::path& folder = {}) {
    return parse_onnx(std::as_bytes(std::span(bytes)), folder);
}

Status status_of(const Network& network) {
    return parse(onnx_bytes(network)).status();
}

/// A small network of many kinds of node.
Network network_of_everything() {
    NetworkMaker maker(5);
    std::string x = maker.input({-1, 3, 8, 8});
    x = maker.add("Relu", {maker.batch_norm(maker.convolution(x, 3, 4, 3), 4)});
    x = maker.add("MaxPool", {x}, {{"kernel_shape", Extents{2, 2}}, {"strides", Extents{2, 2}}});
    x = maker.add("Concat", {x, x}, {{"axis", std::int64_t{1}}});
    x = maker.add("Transpose", {x}, {{"perm", Extents{0, 2, 3, 1}}});
    x = maker.add("Reshape", {x, maker.integers({0, -1})});
    x = maker.add("Clip", {x, maker.number(0), maker.number(6)});
    maker.output(maker.add("Softmax", {maker.dense(x, 128, 3)}));
    return maker.network;
}

/// The same as a message that a test can spoil.
onnx::ModelProto model_of_everything() {
    onnx::ModelProto model;
    EXPECT_TRUE(model.ParseFromString(onnx_bytes(network_of_everything())));
    return model;
}

class Folder {
  public:
    Folder()
        : path_(std::filesystem::path(testing::TempDir()) /
                ("bunch-graph-" + std::to_string(::getpid()))) {
        std::filesystem::create_directories(path_);
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::filesystem::path& path() const { return path_; }
    void write(const std::string& name, const std::string& bytes) const {
        std::ofstream(path_ / name, std::ios::binary) << bytes;
    }

  private:
    std::filesystem::path path_;
};

TEST(OnnxReader, FindsTheSignature) {
    const auto graph = parse(onnx_bytes(network_of_everything()));

    ASSERT_TRUE(graph.ok()) << graph.status().to_string();
    const auto signature = signature_of(*graph);
    ASSERT_TRUE(signature.ok());
    EXPECT_TRUE(signature->batched);
    EXPECT_EQ(signature->inputs[0].shape, (Shape{kAnyExtent, 3, 8, 8}));
    EXPECT_EQ(signature->outputs[0].shape, (Shape{kAnyExtent, 3}));
}

TEST(OnnxReader, RefusesAFileCutOffAnywhere) {
    const std::string bytes = onnx_bytes(network_of_everything());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const auto graph = parse(bytes.substr(0, size));

        ASSERT_FALSE(graph.ok()) << "cut to " << size << " of " << bytes.size() << " bytes";
        EXPECT_NE(graph.status().message(), "");
    }
}

TEST(OnnxReader, SurvivesCorruptFiles) {
    const std::string bytes = onnx_bytes(network_of_everything());
    for (unsigned seed = 1; seed <= 5000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937 random(seed);
        std::string spoilt = bytes;
        for (unsigned i = 0; i <= seed % 8; ++i)
            spoilt[random() % spoilt.size()] = static_cast<char>(random());

        auto graph = parse(spoilt);

        // Many a spoilt weight is still a model; whatever was read must hold together.
        if (graph.ok())
            simplify(*graph);
        else
            EXPECT_NE(graph.status().message(), "");
    }
}

TEST(OnnxReader, NamesTheFileThatItRefuses) {
    const Folder folder;
    folder.write("bad.onnx", "this is no model");

    const auto bad = read_onnx(folder.path() / "bad.onnx").status();
    const auto missing = read_onnx(folder.path() / "none.onnx").status();

    EXPECT_EQ(bad.code(), StatusCode::invalid_argument);
    EXPECT_THAT(bad.message(), AllOf(HasSubstr("bad.onnx: "), HasSubstr("ONNX")));
    EXPECT_EQ(missing.code(), StatusCode::not_found);
    EXPECT_THAT(missing.message(), HasSubstr("none.onnx: no such file"));
}

TEST(OnnxReader, NamesAnOperatorThatItDoesNotHave) {
    NetworkMaker maker(1);
    maker.output(maker.add("Gelu", {maker.input({-1, 4})}));

    const Status status = status_of(maker.network);

    EXPECT_EQ(status.code(), StatusCode::unimplemented);
    EXPECT_THAT(status.message(),
                HasSubstr("node 'make_v1' (Gelu): operator Gelu is not supported"));
}

TEST(OnnxReader, RefusesOperatorsOfOtherDomains) {
    onnx::ModelProto model = model_of_everything();
    model.mutable_graph()->mutable_node(1)->set_domain("com.example");

    EXPECT_THAT(parse(model.SerializeAsString()).status().message(), HasSubstr("com.example."));
}

TEST(OnnxReader, RefusesOperatorSetsThatItDoesNotKnow) {
    Network network = network_of_everything();
    for (const std::int64_t opset : {1, 6, 21, 1000}) {
        network.opset = opset;

        const Status status = status_of(network);

        EXPECT_EQ(status.code(), StatusCode::unimplemented) << opset;
        EXPECT_THAT(status.message(), HasSubstr("operator set " + std::to_string(opset)));
    }
}

TEST(OnnxReader, RefusesAnAttributeThatItDoesNotKnow) {
    NetworkMaker maker(1);
    maker.output(maker.add("Relu", {maker.input({-1, 4})}, {{"slope", 0.5F}}));

    EXPECT_THAT(status_of(maker.network).message(), HasSubstr("attribute 'slope'"));
}

TEST(OnnxReader, RefusesTensorsWhoseSizeDoesNotFitTheirShape) {
    onnx::ModelProto model = model_of_everything();
    model.mutable_graph()->mutable_initializer(0)->add_dims(2);

    const Status status = parse(model.SerializeAsString()).status();

    EXPECT_EQ(status.code(), StatusCode::invalid_argument);
    EXPECT_THAT(status.message(), HasSubstr("too few or too many elements"));
}

TEST(OnnxReader, RefusesTensorsThatNoMemoryCouldHold) {
    onnx::ModelProto model = model_of_everything();
    onnx::TensorProto& tensor = *model.mutable_graph()->mutable_initializer(0);
    for (int i = 0; i < 4; ++i) tensor.add_dims(std::int64_t{1} << 40);

    EXPECT_EQ(parse(model.SerializeAsString()).status().code(), StatusCode::invalid_argument);
}

TEST(OnnxReader, RefusesWeightsThatAreNotFinite) {
    onnx::ModelProto model = model_of_everything();
    model.mutable_graph()->mutable_initializer(0)->set_float_data(
        0, std::numeric_limits<float>::quiet_NaN());

    EXPECT_THAT(parse(model.SerializeAsString()).status().message(), HasSubstr("not finite"));
}

TEST(OnnxReader, RefusesANodeThatReadsWhatNobodyComputes) {
    onnx::ModelProto model = model_of_everything();
    model.mutable_graph()->mutable_node(2)->set_input(0, "nowhere");

    EXPECT_THAT(parse(model.SerializeAsString()).status().message(), HasSubstr("'nowhere'"));
}

TEST(OnnxReader, RefusesTwoTensorsOfOneName) {
    onnx::ModelProto model = model_of_everything();
    auto& graph = *model.mutable_graph();
    graph.mutable_node(2)->set_output(0, graph.node(1).output(0));

    EXPECT_THAT(parse(model.SerializeAsString()).status().message(), HasSubstr("defined twice"));
}

TEST(OnnxReader, RefusesOperatorsThatMixRows) {
    const auto refuses = [](const std::string& type,
                            const std::map<std::string, Attribute>& attributes) {
        NetworkMaker maker(1);
        const std::string x = maker.input({-1, 4});
        const bool two = type == "Concat";
        maker.output(maker.add(type, two ? std::vector{x, x} : std::vector{x}, attributes));
        return status_of(maker.network).code() == StatusCode::unimplemented;
    };

    EXPECT_TRUE(refuses("Transpose", {}));
    EXPECT_TRUE(refuses("Softmax", {{"axis", std::int64_t{0}}}));
    EXPECT_TRUE(refuses("Concat", {{"axis", std::int64_t{0}}}));
    EXPECT_TRUE(refuses("Flatten", {{"axis", std::int64_t{0}}}));
}

TEST(OnnxReader, RefusesAnOpenExtentThatCountsNoRows) {
    NetworkMaker maker(1);
    maker.output(maker.add("Relu", {maker.input({-1, 3, -1})}));

    EXPECT_THAT(status_of(maker.network).message(), HasSubstr("leaves extent 2 open"));
}

TEST(OnnxReader, RefusesInputsOfWhichOnlySomeHaveRows) {
    NetworkMaker maker(1);
    maker.output(maker.add("Relu", {maker.input({-1, 3})}));
    maker.output(maker.add("Relu", {maker.input({2, 3})}));

    EXPECT_EQ(status_of(maker.network).code(), StatusCode::unimplemented);
}

TEST(OnnxReader, FoldsTransposedWeights) {
    NetworkMaker maker(1);
    const std::string x = maker.input({-1, 3});
    const std::string weights = maker.add("Transpose", {maker.constant({5, 3})});
    maker.output(maker.add("MatMul", {x, weights}));

    const auto graph = parse(onnx_bytes(maker.network));

    ASSERT_TRUE(graph.ok()) << graph.status().to_string();
    EXPECT_EQ(graph->nodes.size(), 1U);
    EXPECT_EQ(graph->at(graph->outputs[0]).shape, (Shape{kAnyExtent, 5}));
}

/// model_of_everything() with its first tensor in `location`.
std::string with_external(const std::string& location, const std::string& offset,
                          std::string* data) {
    onnx::ModelProto model = model_of_everything();
    onnx::TensorProto& tensor = *model.mutable_graph()->mutable_initializer(0);
    for (const float number : tensor.float_data())
        data->append(reinterpret_cast<const char*>(&number), sizeof number);
    tensor.clear_float_data();
    tensor.set_data_location(onnx::TensorProto::EXTERNAL);
    const auto add = [&](const std::string& key, const std::string& value) {
        auto& entry = *tensor.add_external_data();
        entry.set_key(key);
        entry.set_value(value);
    };
    add("location", location);
    add("offset", offset);
    return model.SerializeAsString();
}

TEST(OnnxReader, ReadsExternalDataBesideTheModelOnly) {
    const Folder folder;
    const auto inside = folder.path() / "model";
    std::filesystem::create_directories(inside);
    std::string data;
    const std::string good = with_external("weights.bin", "4", &data);
    folder.write("model/weights.bin", "skip" + data);
    folder.write("secret.bin", "skip" + data);
    std::filesystem::create_symlink("../secret.bin", inside / "link.bin");
    const auto message = [&](const std::string& location, const std::string& offset) {
        std::string ignored;
        return parse(with_external(location, offset, &ignored), inside).status().message();
    };

    EXPECT_TRUE(parse(good, inside).ok()) << parse(good, inside).status().to_string();
    EXPECT_FALSE(parse(good).ok());
    EXPECT_THAT(message("../secret.bin", "4"), HasSubstr("outside the folder"));
    EXPECT_THAT(message("link.bin", "4"), HasSubstr("outside the folder"));
    EXPECT_THAT(message((folder.path() / "secret.bin").string(), "4"), HasSubstr("outside"));
    EXPECT_THAT(message("none.bin", "4"), HasSubstr("none.bin"));
    EXPECT_THAT(message("weights.bin", "5"), HasSubstr("which has"));
    EXPECT_THAT(message("weights.bin", "18446744073709551615"), HasSubstr("which has"));
    EXPECT_THAT(message("weights.bin", "-4"), HasSubstr("no number"));
    EXPECT_THAT(message(".", "4"), HasSubstr("not a regular file"));
}

}  // namespace
}  // namespace bunch::test_network
