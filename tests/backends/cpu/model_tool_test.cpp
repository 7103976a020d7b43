#include "backends/cpu/model_tool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "npy/npy.h"
#include "tests/backends/graph/network_maker.h"

namespace bunch::test_network {
namespace {

using testing::HasSubstr;

/// A folder with a model of two inputs that runs node by node: "v2" = |v0| + v1, rows of 3.
class ModelTool : public testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "bunch-tool-XXXXXX";
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
        NetworkMaker maker(1);
        const std::string a = maker.input({-1, 3}), b = maker.input({-1, 3});
        maker.output(maker.add("Add", {maker.add("Abs", {a}), b}));
        output_ = maker.network.outputs[0];
        std::ofstream(file("model.onnx"), std::ios::binary) << onnx_bytes(maker.network);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::string file(const std::string& name) const { return (folder_ / name).string(); }

    void write(const std::string& name, const std::vector<float>& numbers) const {
        const auto rows = static_cast<std::int64_t>(numbers.size() / 3);
        ASSERT_TRUE(write_npy(file(name),
                              {DataType::f32, Shape{rows, 3}, std::as_bytes(std::span(numbers))})
                        .ok());
    }

    int run(std::vector<std::string> words) {
        words.insert(words.begin(), "model");
        std::vector<const char*> argv;
        for (const std::string& word : words) argv.push_back(word.c_str());
        testing::internal::CaptureStdout();
        testing::internal::CaptureStderr();
        const int code = cpu::model_tool(static_cast<int>(argv.size()), argv.data());
        out_ = testing::internal::GetCapturedStdout();
        error_ = testing::internal::GetCapturedStderr();
        return code;
    }

    std::filesystem::path folder_;
    std::string output_, out_, error_;
};

TEST_F(ModelTool, RunsFilesThroughAModel) {
    write("a.npy", {-1, 2, -3, 4, -5, 6});
    write("b.npy", {10, 20, 30, 40, 50, 60});

    ASSERT_EQ(run({"run", file("model.onnx"), "--input", "v0=" + file("a.npy"), "--input",
                   "v1=" + file("b.npy"), "--output-dir", folder_}),
              0)
        << error_;

    const auto y = read_npy(file(output_ + ".npy"));
    ASSERT_TRUE(y.ok()) << out_;
    EXPECT_EQ(y->shape, (Shape{2, 3}));
    std::vector<float> numbers(6);
    std::memcpy(numbers.data(), y->buffer.bytes().data(), 24);
    EXPECT_EQ(numbers, (std::vector<float>{11, 22, 33, 44, 55, 66}));
}

TEST_F(ModelTool, SaysWhichInputIsMissingOrUnknown) {
    write("a.npy", {1, 2, 3});

    EXPECT_EQ(run({"run", file("model.onnx"), "--input", "v0=" + file("a.npy")}), 1);
    EXPECT_THAT(error_, HasSubstr("input 'v1' is missing; give it with --input v1=FILE.npy"));
    EXPECT_EQ(run({"run", file("model.onnx"), "--input", "w=" + file("a.npy")}), 1);
    EXPECT_THAT(error_, HasSubstr("write NAME=FILE"));
    EXPECT_EQ(run({"run", file("model.onnx"), "--input", "v0=" + file("c.npy")}), 1);
    EXPECT_THAT(error_, HasSubstr("c.npy"));
}

TEST_F(ModelTool, MakesTheFolderOfOutputsAndAFileForEachOfThem) {
    NetworkMaker maker(1);
    const std::string x = maker.input({-1, 3});
    maker.output(maker.add("Neg", {x}));
    maker.output(maker.add("Abs", {x}));
    maker.network.operations[0].output = maker.network.outputs[0] = "a/b";
    maker.network.operations[1].output = maker.network.outputs[1] = "a_b";
    std::ofstream(file("two.onnx"), std::ios::binary) << onnx_bytes(maker.network);
    write("x.npy", {-1, 2, -3});

    ASSERT_EQ(
        run({"run", file("two.onnx"), "--input", file("x.npy"), "--output-dir", file("deep/out")}),
        0)
        << error_;

    const auto first = read_npy(file("deep/out/a_b.npy")),
               second = read_npy(file("deep/out/a_b_2.npy"));
    ASSERT_TRUE(first.ok() && second.ok()) << out_;
    EXPECT_NE(std::memcmp(first->buffer.bytes().data(), second->buffer.bytes().data(), 12), 0);
    EXPECT_EQ(run({"run", file("two.onnx"), "--input", file("x.npy"), "--output-dir",
                   file("x.npy") + "/out"}),
              1);
    EXPECT_THAT(error_, HasSubstr("cannot be made"));
}

TEST_F(ModelTool, SaysThatAModelHasNoInputs) {
    NetworkMaker maker(1);
    maker.network.operations.push_back(
        {"Range", {maker.number(0), maker.number(3), maker.number(1)}, "r", {}});
    maker.network.outputs = {"r"};
    std::ofstream(file("none.onnx"), std::ios::binary) << onnx_bytes(maker.network);
    write("x.npy", {1, 2, 3});

    EXPECT_EQ(run({"run", file("none.onnx"), "--input", file("x.npy")}), 1);
    EXPECT_THAT(error_, HasSubstr("the model has no inputs"));
}

TEST_F(ModelTool, SaysThatAModelNeedsMoreMemoryThanThereIs) {
    NetworkMaker maker(1);
    maker.output(maker.add("Relu", {maker.input({-1, std::int64_t{1} << 37})}));
    std::ofstream(file("huge.onnx"), std::ios::binary) << onnx_bytes(maker.network);

    EXPECT_EQ(run({"bench", file("huge.onnx")}), 1);
    EXPECT_THAT(error_,
                testing::AnyOf(HasSubstr("this machine has"), HasSubstr("not enough memory")));
}

TEST_F(ModelTool, NamesTheFileThatIsNoModel) {
    std::ofstream(file("bad.onnx")) << "bad";

    EXPECT_EQ(run({"inspect", file("bad.onnx")}), 1);
    EXPECT_THAT(error_, HasSubstr("bad.onnx: not an ONNX file"));
    EXPECT_EQ(run({"bench", file("none.onnx")}), 1);
    EXPECT_THAT(error_, HasSubstr("none.onnx: no such file"));
    EXPECT_EQ(run({"frobnicate"}), 2);
}

TEST_F(ModelTool, ShowsOperatorsShapesAndWhoseCodeRuns) {
    ASSERT_EQ(run({"inspect", file("model.onnx"), "--json"}), 0) << error_;

    const auto all = nlohmann::json::parse(out_);
    EXPECT_EQ(all["operators"], (nlohmann::json{{"Abs", 1}, {"Add", 1}}));
    EXPECT_EQ(all["batched"], true);
    EXPECT_EQ(all["nodes"][0]["outputs"][0], "FP32[1,3]");
    EXPECT_EQ(all["nodes"][0]["implementation"], "loop");
    EXPECT_THAT(all["why_not_planned"].get<std::string>(), HasSubstr("(Abs)"));
    ASSERT_EQ(run({"inspect", file("model.onnx")}), 0);
    EXPECT_THAT(out_, HasSubstr("operators: Abs 1 Add 1"));
}

TEST_F(ModelTool, MeasuresEachNumberOfRowsAndThreads) {
    ASSERT_EQ(run({"bench", file("model.onnx"), "--batch", "1,4", "--threads", "1,2", "--repeat",
                   "2", "--json"}),
              0)
        << error_;

    const auto all = nlohmann::json::parse(out_);
    ASSERT_EQ(all["runs"].size(), 4U);
    EXPECT_EQ(all["runs"][3]["rows"], 4);
    EXPECT_EQ(all["runs"][3]["threads"], 2);
    for (const auto& one : all["runs"]) EXPECT_GT(one["rows_per_second"].get<double>(), 0);
    ASSERT_EQ(run({"bench", file("model.onnx"), "--repeat", "2", "--profile"}), 0);
    EXPECT_THAT(out_, HasSubstr("(Abs) [1,3]"));
}

}  // namespace
}  // namespace bunch::test_network
