#include "zoo/zoo.h"

#include <gtest/gtest.h>
#include <onnx/checker.h>
#include <onnx/shape_inference/implementation.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

namespace bunch {
namespace {

constexpr std::uint64_t kSeed = 1;

/// A folder of its own for each test, gone with it.
class Zoo : public testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "bunch-zoo-XXXXXX";
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    /// The bytes of that model's file.
    std::string written(const std::string& name, std::uint64_t seed = kSeed) {
        const std::string path = folder_ / (name + ".onnx");
        EXPECT_EQ(write_zoo_model(name, path, seed), ok_status());
        std::ifstream file(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    onnx::ModelProto model(const std::string& name) {
        onnx::ModelProto parsed;
        EXPECT_TRUE(parsed.ParseFromString(written(name)));
        return parsed;
    }

    std::filesystem::path folder_;
};

/// FNV-1a.
std::uint64_t hash_of(const std::string& bytes) {
    std::uint64_t hash = 14695981039346656037U;
    for (const char byte : bytes) {
        hash ^= static_cast<unsigned char>(byte);
        hash *= 1099511628211U;
    }
    return hash;
}

/// Trainable numbers: all weights but the running statistics of batch normalisation, and the scales
/// and zero points of those in 8 bits.
std::int64_t parameters_of(const onnx::ModelProto& model) {
    std::int64_t sum = 0;
    for (const onnx::TensorProto& tensor : model.graph().initializer()) {
        const auto has = [&](const char* part) {
            return tensor.name().find(part) != std::string::npos;
        };
        if (has(".running_") || has(".scale") || has(".zero")) continue;
        if (tensor.data_type() == onnx::TensorProto::INT64) continue;
        std::int64_t elements = 1;
        for (const std::int64_t extent : tensor.dims()) elements *= extent;
        sum += elements;
    }
    return sum;
}

std::string shape_text(const onnx::ValueInfoProto& value) {
    std::string text = value.name();
    for (const auto& dim : value.type().tensor_type().shape().dim())
        text += " " + (dim.has_dim_param() ? dim.dim_param() : std::to_string(dim.dim_value()));
    return text;
}

TEST_F(Zoo, WritesFilesThatTheOnnxCheckerAcceptsAndWhoseShapesCanBeInferred) {
    for (const ZooModel& entry : zoo_models()) {
        onnx::ModelProto parsed = model(entry.name);

        EXPECT_NO_THROW(onnx::checker::check_model(parsed)) << entry.name;
        const onnx::ShapeInferenceOptions strict(true, 1, true);
        EXPECT_NO_THROW(
            onnx::shape_inference::InferShapes(parsed, onnx::OpSchemaRegistry::Instance(), strict))
            << entry.name;
        ASSERT_EQ(parsed.opset_import_size(), entry.name == "trees" ? 2 : 1);
        EXPECT_EQ(parsed.opset_import(0).version(), 13);
    }
}

TEST_F(Zoo, GivesEveryModelItsPublishedShapesAndParameters) {
    struct Expected {
        std::string input, output;
        std::int64_t parameters;
    };
    const std::map<std::string, Expected> expected = {
        {"resnet50", {"input N 3 224 224", "logits N 1000", 25'557'032}},
        {"resnet50_int8", {"input N 3 224 224", "logits N 1000", 25'530'472}},
        {"facile", {"input N 47", "output N 1", 1'880}},
        {"muon", {"input N 5", "output N 3", 355}},
        {"muon_pair", {"input N 10", "output N 1", 377}},
        {"deepcalo", {"input N 4 56 11", "energy N 1", 2'193'121}},
        {"protodune", {"input N 1 48 48", "output N 4", 629'828}},
        {"deepmet", {"input N 4500 11", "output N 2", 12'665}},
        {"deeptau", {"tau N 47", "output N 4", 1'053'542}},
        {"particlenet", {"particles N 23 P", "output N 8", 234'088}},
        {"particlenet_masked", {"particles N 23 P", "output N 8", 234'088}},
        {"mlp_27", {"input N 27", "output N 1", 2'497}},
        {"mlp_30", {"input N 30", "output N 3", 10'499}},
        {"mlp_784", {"input N 784", "output N 10", 2'383'370}},
        {"trees", {"input N 30", "output N 1", 0}},
        {"small_cnn", {"input N 3 32 32", "logits N 10", 2'178}},
        {"small_cnn_int8", {"input N 3 32 32", "logits N 10", 2'146}},
    };
    ASSERT_EQ(zoo_models().size(), expected.size());

    for (const auto& [name, wanted] : expected) {
        const onnx::ModelProto parsed = model(name);
        EXPECT_EQ(shape_text(parsed.graph().input(0)), wanted.input);
        EXPECT_EQ(shape_text(parsed.graph().output(0)), wanted.output);
        EXPECT_EQ(parameters_of(parsed), wanted.parameters) << name;
    }
}

TEST_F(Zoo, WritesTheSameBytesWithEveryCompiler) {
    const std::map<std::string, std::uint64_t> expected = {
        {"resnet50", 5051602712315756340U},       {"facile", 17772528573274156182U},
        {"muon", 14833386999269619148U},          {"small_cnn", 5285594240569988227U},
        {"small_cnn_int8", 5410976725592600747U}, {"trees", 7703902723437696924U}};

    for (const auto& [name, hash] : expected) EXPECT_EQ(hash_of(written(name)), hash) << name;
}

TEST_F(Zoo, PutsEveryLayerOfAModelIn8BitsBetweenTwoGridsAndItsWeightsOnOnesOfTheirOwn) {
    const onnx::ModelProto model = this->model("resnet50_int8");
    std::map<std::string, std::string> made_by;
    std::map<std::string, int> types, constants;
    for (const onnx::NodeProto& node : model.graph().node()) {
        made_by[node.output(0)] = node.op_type();
        ++types[node.op_type()];
    }
    for (const onnx::TensorProto& tensor : model.graph().initializer())
        if (tensor.dims_size() > 0 && tensor.data_type() != onnx::TensorProto::FLOAT &&
            tensor.name().find(".zero") == std::string::npos)
            ++constants[onnx::TensorProto::DataType_Name(
                static_cast<onnx::TensorProto::DataType>(tensor.data_type()))];

    EXPECT_EQ(constants, (std::map<std::string, int>{{"INT8", 54}, {"INT32", 54}}));
    EXPECT_EQ(types["BatchNormalization"], 0);
    for (const onnx::NodeProto& node : model.graph().node()) {
        if (node.op_type() != "Conv" && node.op_type() != "Gemm" && node.op_type() != "Add")
            continue;
        for (const std::string& input : node.input())
            EXPECT_EQ(made_by[input], "DequantizeLinear") << node.name() << " " << input;
    }
    EXPECT_EQ(made_by["logits"], "DequantizeLinear");
}

TEST_F(Zoo, DrawsOtherWeightsForAnotherSeed) {
    EXPECT_NE(written("muon", 1), written("muon", 2));
}

TEST_F(Zoo, PutsTheStrideOfResNetIntoThe3x3ConvolutionsAsVersion15Does) {
    const onnx::ModelProto resnet = model("resnet50");
    std::map<std::string, int> strided;
    for (const onnx::NodeProto& node : resnet.graph().node()) {
        if (node.op_type() != "Conv") continue;
        std::int64_t kernel = 0, stride = 0;
        for (const onnx::AttributeProto& attribute : node.attribute()) {
            if (attribute.name() == "kernel_shape") kernel = attribute.ints(0);
            if (attribute.name() == "strides") stride = attribute.ints(0);
        }
        if (stride == 2) ++strided[std::to_string(kernel)];
    }

    // The 1x1 ones are the shortcuts.
    EXPECT_EQ(strided, (std::map<std::string, int>{{"7", 1}, {"3", 3}, {"1", 3}}));
}

TEST_F(Zoo, NamesTheModelsThatItHasWhenAskedForAnother) {
    const Status status = write_zoo_model("resnet51", folder_ / "x.onnx", kSeed);

    EXPECT_EQ(status.code(), StatusCode::not_found);
    EXPECT_NE(status.message().find("resnet50"), std::string::npos);
}

TEST_F(Zoo, SaysWhyAFileCannotBeWrittenAndLeavesNothingBehind) {
    const Status status = write_zoo_model("muon", folder_ / "absent/muon.onnx", kSeed);

    EXPECT_EQ(status.code(), StatusCode::unavailable);
    EXPECT_NE(status.message().find("No such file"), std::string::npos) << status.message();
    EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

}  // namespace
}  // namespace bunch
