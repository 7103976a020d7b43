#include "config/padding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <variant>

#include "config/load.h"

namespace bunch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Line 7 is `line`.
ConfigResult model_with(const std::string& line) {
    return parse_config(
        "[[device]]\nname = \"cpu0\"\nbackend = \"cpu\"\n[[model]]\nname = \"m\"\npath = "
        "\"m.onnx\"\n" +
            line + "\n",
        "b.toml");
}

std::string problem(const std::string& tables) {
    const ConfigResult result = model_with("padding = " + tables);
    if (const auto* problems = std::get_if<ConfigProblems>(&result))
        return testing::PrintToString(*problems);
    return "none";
}

TEST(PaddingConfig, ReadsDimensionsWithTheirBuckets) {
    const ConfigResult result = model_with(
        "padding = [{dimension = \"P\", buckets = [8, 16], mask = \"m\"}, "
        "{dimension = \"V\", buckets = [5], length = \"n\", value = -1.5}]");
    ASSERT_TRUE(std::holds_alternative<Config>(result)) << problem("[]");

    EXPECT_THAT(std::get<Config>(result).models.at(0).padding,
                ElementsAre(PaddedDimension{"P", {8, 16}, "m", "", 0},
                            PaddedDimension{"V", {5}, "", "n", -1.5}));
}

TEST(PaddingConfig, TakesNamesForOpenExtentsOfDeclaredTensors) {
    const ConfigResult result =
        model_with("inputs = [{name = \"x\", type = \"FP32\", shape = [-1, \"P\", 3]}]");
    ASSERT_TRUE(std::holds_alternative<Config>(result));

    const TensorSpec& input = std::get<Config>(result).models.at(0).signature.inputs.at(0);
    EXPECT_EQ(input.shape, (Shape{kAnyExtent, kAnyExtent, 3}));
    EXPECT_THAT(input.dimensions, ElementsAre("", "P", ""));
}

TEST(PaddingConfig, SaysWhatIsWrong) {
    EXPECT_THAT(problem("3"), HasSubstr("b.toml:7: padding = 3 is of the wrong type (write a list "
                                        "of tables: [{dimension = "));
    EXPECT_THAT(problem("[{buckets = [4]}]"),
                HasSubstr("b.toml:7: a table of padding has no dimension"));
    EXPECT_THAT(problem("[{dimension = \"P\"}]"),
                HasSubstr("b.toml:7: a table of padding has no buckets"));
    EXPECT_THAT(problem("[{dimension = \"P\", buckets = []}]"),
                HasSubstr("is empty (write at least the largest length)"));
    EXPECT_THAT(problem("[{dimension = \"P\", buckets = [0]}]"),
                HasSubstr("buckets = 0 is no length (write a number from 1 to 1048576)"));
    EXPECT_THAT(problem("[{dimension = \"P\", buckets = [8, 8]}]"),
                HasSubstr("buckets = 8 is not above the bucket before it (write them ascending)"));
    EXPECT_THAT(problem("[{dimension = \"\", buckets = [8]}]"), HasSubstr("is empty"));
    EXPECT_THAT(problem("[{dimension = \"P\", buckets = [8], mask = \"\"}]"),
                HasSubstr("is empty (write a name, or leave the key out)"));
    EXPECT_THAT(problem("[{dimension = \"P\", buckets = [8], masc = \"m\"}]"),
                HasSubstr("masc is not a known key (did you mean mask?)"));
    EXPECT_THAT(problem("[{dimension = \"P\", buckets = [8], value = \"0\"}]"),
                HasSubstr("is of the wrong type"));
}

TEST(PaddingConfig, SaysWhatTwoDimensionsMayNotShare) {
    EXPECT_THAT(problem("[{dimension = \"P\", buckets = [8]}, {dimension = \"P\", buckets = [9]}]"),
                HasSubstr("padding names the dimension 'P' twice (name it once)"));
    EXPECT_THAT(problem("[{dimension = \"P\", buckets = [8], mask = \"m\"}, "
                        "{dimension = \"V\", buckets = [8], length = \"m\"}]"),
                HasSubstr("padding makes the input 'm' for two dimensions (give each its own)"));
    EXPECT_THAT(problem("[{dimension = \"P\", buckets = [8], mask = \"m\", length = \"m\"}]"),
                HasSubstr("padding makes 'm' both mask and length (write one of the two)"));
}

TEST(PaddingConfig, HasABoundOnDimensionsAndOnBuckets) {
    const std::string ten = "buckets = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}";
    EXPECT_THAT(problem("[{dimension = \"P\", " + ten + ", {dimension = \"V\", " + ten + "]"),
                HasSubstr("padding has more than 64 buckets, counting all ways to choose one for "
                          "each dimension (write fewer)"));
    EXPECT_THAT(problem("[{dimension = \"A\", buckets = [1]}, {dimension = \"B\", buckets = [1]}, "
                        "{dimension = \"C\", buckets = [1]}, {dimension = \"D\", buckets = [1]}, "
                        "{dimension = \"E\", buckets = [1]}]"),
                HasSubstr("padding has 5 dimensions (at most 4)"));
}

}  // namespace
}  // namespace bunch
