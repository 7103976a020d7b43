#include "backends/xrt/fpga_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/backends/xrt/designs.h"

namespace bunch::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kManifest = R"(xclbin = "m.xclbin"
kernel = "dense"
arguments = ["rows", "x", "y"]
max_rows = 16
[[input]]
name = "x"
type = "FP32"
shape = [-1, 16]
[[output]]
name = "y"
type = "FP32"
shape = [-1, 16]
)";

fpga::FpgaModel model_of(const std::string& manifest) {
    fpga::FpgaModel model;
    auto parsed = fpga::parse_manifest(manifest, "m.toml", "/");
    EXPECT_TRUE(parsed.ok()) << parsed.status().message();
    model.manifest = std::move(*parsed);
    model.xclbin = sample_design();
    return model;
}

std::string problem(const std::string& what, const std::string& with,
                    const std::function<void(fpga::Xclbin&)>& change = nullptr) {
    std::string text = kManifest;
    text.replace(text.find(what), what.size(), with);
    fpga::FpgaModel model = model_of(text);
    if (change) change(model.xclbin);
    const Status status = fit(model);
    EXPECT_FALSE(status.ok());
    return status.message();
}

TEST(FpgaModel, HasTheUnitsOfItsKernel) {
    fpga::FpgaModel model = model_of(kManifest);

    ASSERT_TRUE(fit(model).ok());
    EXPECT_THAT(model.units, ElementsAre("dense_1", "dense_2"));
    EXPECT_EQ(model.arithmetic(), "FP32");
}

TEST(FpgaModel, SaysHowManifestAndXclbinDoNotFit) {
    EXPECT_THAT(problem("\"dense\"", "\"sparse\""),
                HasSubstr("no kernel 'sparse' (its kernels: dense, other)"));
    EXPECT_THAT(problem("\"rows\", ", ""),
                HasSubstr("passes 2 arguments to kernel 'dense', which has 3: rows, in, out"));
    EXPECT_THAT(problem("\"rows\", \"x\", \"y\"", "\"x\", \"rows\", \"y\""),
                HasSubstr("argument 0, 'rows', of kernel 'dense' is a number, the manifest passes "
                          "a tensor"));
    EXPECT_THAT(problem("\"dense\"", "\"dense\"\nunits = [\"dense_1\", \"dense_9\"]"),
                HasSubstr("no compute unit 'dense_9' of kernel 'dense' (its units: dense_1, "));
    EXPECT_THAT(problem("max_rows = 16", "max_rows = 70000",
                        [](fpga::Xclbin& design) { design.kernels[0].arguments[0].bytes = 2; }),
                HasSubstr("has 2 bytes, which cannot hold 70000"));
    EXPECT_THAT(
        problem("kernel", "kernel", [](fpga::Xclbin& design) { design.memories[1].used = false; }),
        HasSubstr("'in' of unit 'dense:dense_2' is connected to no memory"));
    EXPECT_THAT(problem("kernel", "kernel", [](fpga::Xclbin& design) { design.units.clear(); }),
                HasSubstr("'dense' has no compute unit in it"));
}

class ModelFiles : public testing::Test {
  protected:
    void SetUp() override { std::filesystem::create_directories(folder_); }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    void write(const std::string& name, std::span<const std::byte> bytes) const {
        std::ofstream(folder_ / name, std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()),
                   static_cast<std::streamsize>(bytes.size()));
    }

    std::string manifest() const { return (folder_ / "m.toml").string(); }

    const std::filesystem::path folder_ =
        std::filesystem::temp_directory_path() / ("bunch-fpga-model-" + std::to_string(::getpid()));
};

TEST_F(ModelFiles, AreReadTogether) {
    write("m.toml", std::as_bytes(std::span(std::string_view(kManifest))));
    write("m.xclbin", copying_file());

    const auto model = fpga::read_model(manifest());

    ASSERT_TRUE(model.ok()) << model.status().to_string();
    EXPECT_EQ((*model)->image, "01020304-0506-0708-090a-0b0c0d0e0f10");
    EXPECT_EQ(*(*model)->file, copying_file());
    EXPECT_EQ((*model)->kernel().name, "dense");
}

TEST_F(ModelFiles, AreRefusedWithTheNameOfTheOneThatIsWrong) {
    write("m.toml", std::as_bytes(std::span(std::string_view(kManifest))));
    EXPECT_THAT(fpga::read_model(manifest()).status().message(),
                HasSubstr("m.xclbin is not there"));

    auto cut = copying_file();
    cut.resize(cut.size() / 2);
    write("m.xclbin", cut);
    EXPECT_THAT(fpga::read_model(manifest()).status().message(),
                HasSubstr("m.xclbin: damaged xclbin"));
}

}  // namespace
}  // namespace bunch::test
