#include "backends/xrt/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace bunch::test {
namespace {

using namespace std::chrono_literals;
using fpga::Argument;
using fpga::Manifest;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kGood = R"(xclbin = "facile.xclbin"
kernel = "facile"
units = ["facile_1", "facile_2"]
arguments = ["rows", "x", "y", 7]
max_rows = 1024
slots = 2
time_limit = "50ms"
load_time = "800ms"

[[input]]
name = "x"
type = "FP32"
shape = [-1, 3, 6]
format = "ap_fixed<16,6>"
row_align = 8
axes = [2, 1]

[[output]]
name = "y"
type = "INT32"
shape = [-1]

[twin]
path = "facile.onnx"
max_deviation = 0.02
)";

Result<Manifest> parse(const std::string& text) {
    return fpga::parse_manifest(text, "m.toml", "/models/facile");
}

/// The good manifest with one line for another (or a prefix of it); the problem that results.
std::string problem(const std::string& line, const std::string& other) {
    std::string text = kGood;
    const std::size_t at = text.find(line);
    EXPECT_NE(at, std::string::npos) << line;
    text.replace(at, line.size(), other);
    const auto parsed = parse(text);
    EXPECT_FALSE(parsed.ok());
    return parsed.status().message();
}

TEST(Manifest, IsReadWithAllThatItSays) {
    const auto manifest = parse(kGood);

    ASSERT_TRUE(manifest.ok()) << manifest.status().message();
    EXPECT_EQ(manifest->xclbin, "/models/facile/facile.xclbin");
    EXPECT_EQ(manifest->kernel, "facile");
    EXPECT_THAT(manifest->units, ElementsAre("facile_1", "facile_2"));
    EXPECT_THAT(
        manifest->arguments,
        ElementsAre(Argument{Argument::Kind::rows, 0, 0}, Argument{Argument::Kind::input, 0, 0},
                    Argument{Argument::Kind::output, 0, 0}, Argument{Argument::Kind::value, 0, 7}));
    EXPECT_EQ(manifest->max_rows, 1024u);
    EXPECT_EQ(manifest->slots, 2u);
    EXPECT_EQ(manifest->time_limit, 50ms);
    EXPECT_EQ(manifest->load_time, 800ms);
    EXPECT_EQ(manifest->twin, (fpga::Twin{"/models/facile/facile.onnx", 0.02}));
    EXPECT_TRUE(manifest->tells_rows());
    const fpga::DeviceTensor& x = manifest->inputs.front();
    EXPECT_EQ(x.spec, (TensorSpec{"x", DataType::f32, {kAnyExtent, 3, 6}}));
    EXPECT_EQ(x.format, (FixedFormat{16, 6}));
    EXPECT_THAT(x.axes, ElementsAre(2, 1));
    EXPECT_EQ(x.row_stride(), 40u);  // 18 words of 2 bytes, padded to 8
    EXPECT_EQ(manifest->outputs.front().row_stride(), 4u);
    EXPECT_EQ(manifest->signature().inputs.front(), x.spec);
}

TEST(Manifest, NamesTheLineOfWhatIsMissing) {
    EXPECT_THAT(parse("").status().message(), HasSubstr("m.toml:1: the manifest has no xclbin"));
    EXPECT_THAT(problem("kernel = \"facile\"\n", ""), HasSubstr("has no kernel (write kernel ="));
    EXPECT_THAT(problem("arguments = [\"rows\", \"x\", \"y\", 7]\n", ""),
                HasSubstr("has no arguments"));
    EXPECT_THAT(problem("shape = [-1, 3, 6]\n", ""), HasSubstr("m.toml:10: a tensor has no shape"));
    EXPECT_THAT(problem("[[output]]", "[[input]]"), HasSubstr("0 [[output]]"));
    EXPECT_THAT(problem("path = \"facile.onnx\"", ""), HasSubstr("[twin] has no path"));
    EXPECT_THAT(problem("max_deviation = 0.02", ""), HasSubstr("[twin] has no max_deviation"));
}

TEST(Manifest, NamesTheLineOfWhatIsWrongAndWhatWouldBeRight) {
    EXPECT_THAT(problem("kernel =", "kernels ="), HasSubstr("m.toml:2: kernels is not a known key "
                                                            "(did you mean kernel?)"));
    EXPECT_THAT(problem("max_rows = 1024", "max_rows = 0"),
                HasSubstr("m.toml:5: max_rows = 0 is out of range (1 to 1048576)"));
    EXPECT_THAT(problem("slots = 2", "slots = 9"), HasSubstr("out of range (1 to 8)"));
    EXPECT_THAT(problem("\"50ms\"", "50"), HasSubstr("m.toml:7: time_limit = 50 has no unit"));
    EXPECT_THAT(problem("\"FP32\"", "\"FP31\""),
                HasSubstr("m.toml:12: type = \"FP31\" is unknown"));
    EXPECT_THAT(problem("[-1, 3, 6]", "[3, 6]"), HasSubstr("shape = 3 is not the rows"));
    EXPECT_THAT(problem("[-1, 3, 6]", "[-1, 0, 6]"), HasSubstr("shape = 0 is no extent"));
    EXPECT_THAT(problem("[-1, 3, 6]", "[-1, 1000000000, 1000000000]"), HasSubstr("above 1 GiB"));
    EXPECT_THAT(problem("ap_fixed<16,6>", "fixed<16>"),
                HasSubstr("m.toml:14: format = \"fixed<16>\" is no fixed-point format (write"));
    EXPECT_THAT(problem("row_align = 8", "row_align = 12"), HasSubstr("no power of two"));
    EXPECT_THAT(problem("axes = [2, 1]", "axes = [2, 2]"), HasSubstr("each axis of a row once"));
    EXPECT_THAT(problem("axes = [2, 1]", "axes = [0, 1]"), HasSubstr("axes = 0 is no axis"));
    EXPECT_THAT(problem("\"FP32\"", "\"BOOL\""), HasSubstr("FP32 or an integer"));
    EXPECT_THAT(problem("name = \"y\"", "name = \"x\""), HasSubstr("two tensors are called \"x\""));
    EXPECT_THAT(problem("name = \"y\"", "name = \"rows\""), HasSubstr("cannot be called rows"));
    EXPECT_THAT(problem("0.02", "-1"), HasSubstr("max_deviation = -1 is no deviation"));
    EXPECT_THAT(problem("0.02", "\"much\""), HasSubstr("is no deviation"));
}

TEST(Manifest, StatesTheHashesOfItsFilesIfItsAuthorWishes) {
    std::string text = kGood;
    text.insert(0, "xclbin_hash = \"0123456789abcdef\"\n");
    const auto manifest = parse(text + "hash = \"fedcba9876543210\"\n");

    ASSERT_TRUE(manifest.ok()) << manifest.status().message();
    EXPECT_EQ(manifest->xclbin_hash, "0123456789abcdef");
    EXPECT_EQ(manifest->twin->hash, "fedcba9876543210");
    EXPECT_THAT(problem("kernel = \"facile\"", "kernel = \"facile\"\nxclbin_hash = \"12\""),
                HasSubstr("16 hexadecimal digits"));
}

TEST(Manifest, NamesEachTensorAmongTheArgumentsOnce) {
    EXPECT_THAT(problem("\"y\", 7]", "7]"), HasSubstr("leave out the tensor \"y\""));
    EXPECT_THAT(problem("\"y\", 7]", "\"y\", \"x\"]"),
                HasSubstr("arguments = \"x\" is there twice"));
    EXPECT_THAT(problem("\"y\", 7]", "\"y\", \"z\"]"), HasSubstr("neither \"rows\" nor an"));
    EXPECT_THAT(problem("\"y\", 7]", "\"y\", -7]"), HasSubstr("is no argument"));
}

TEST(Manifest, ListsAllProblemsAtOnce) {
    const auto parsed = parse("xclbin = 3\nkernel = \"a b\"\nslots = 0\n");

    ASSERT_FALSE(parsed.ok());
    EXPECT_THAT(parsed.status().message(), HasSubstr("m.toml:1: xclbin = 3"));
    EXPECT_THAT(parsed.status().message(), HasSubstr("m.toml:2: kernel = \"a b\""));
    EXPECT_THAT(parsed.status().message(), HasSubstr("m.toml:3: slots = 0"));
}

TEST(Manifest, OfAKernelThatIsNotToldTheRowsAlwaysTakesAll) {
    std::string text = kGood;
    text.replace(text.find("\"rows\", "), 8, "");
    const auto manifest = parse(text);

    ASSERT_TRUE(manifest.ok()) << manifest.status().message();
    EXPECT_FALSE(manifest->tells_rows());
}

TEST(Manifest, IsRefusedWithoutTheFilesThatItNames) {
    const auto folder = std::filesystem::temp_directory_path() / "bunch-manifest-test";
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "m.toml") << kGood;
    std::ofstream(folder / "facile.onnx") << "onnx";

    const auto missing = fpga::read_manifest(folder / "m.toml");
    std::ofstream(folder / "facile.xclbin") << "xclbin";
    const auto complete = fpga::read_manifest(folder / "m.toml");
    std::filesystem::remove_all(folder);

    EXPECT_THAT(missing.status().message(), HasSubstr("facile.xclbin is not there"));
    EXPECT_TRUE(complete.ok()) << complete.status().message();
    EXPECT_THAT(fpga::read_manifest("/nonexistent/m.toml").status().message(),
                HasSubstr("/nonexistent/m.toml: cannot be read"));
}

TEST(FixedFormatText, IsThatOfHls) {
    const auto read = [](const char* text) { return *fpga::parse_format(text); };

    EXPECT_EQ(read("ap_fixed<16,6>"), (FixedFormat{16, 6}));
    EXPECT_EQ(read("ap_ufixed<8, 0, AP_RND, AP_SAT>"),
              (FixedFormat{8, 0, false, Rounding::nearest_up, Overflow::saturate}));
    EXPECT_EQ(read("ap_fixed<18,-2,AP_RND_CONV>"),
              (FixedFormat{18, -2, true, Rounding::nearest_even}));
    EXPECT_EQ(read("ap_uint<12>"), (FixedFormat{12, 12, false}));
    EXPECT_EQ(fpga::to_text(read("ap_fixed<16,6,AP_TRN_ZERO,AP_SAT>")),
              "ap_fixed<16,6,AP_TRN_ZERO,AP_SAT>");
    EXPECT_EQ(fpga::to_text(read("ap_fixed<16,6,AP_TRN,AP_WRAP>")), "ap_fixed<16,6>");
    EXPECT_EQ(fpga::to_text(read("ap_fixed<16,6,AP_RND,AP_WRAP>")), "ap_fixed<16,6,AP_RND>");
    EXPECT_EQ(read(fpga::to_text(read("ap_ufixed<9,3>")).c_str()), read("ap_ufixed<9,3>"));
}

TEST(FixedFormatText, IsRefusedWhenItIsNoFormat) {
    for (const char* text :
         {"", "ap_fixed", "ap_fixed<>", "ap_fixed<16>", "ap_fixed<0,0>", "ap_fixed<33,6>",
          "ap_fixed<16,99>", "ap_fixed<16,6,AP_UP>", "ap_fixed<16,6,AP_RND,AP_SAT,1>",
          "ap_fixed<16,6", "ap_int<8,8>", "float<16,6>", "ap_fixed<16,6,,>"})
        EXPECT_FALSE(fpga::parse_format(text).ok()) << text;
}

}  // namespace
}  // namespace bunch::test
