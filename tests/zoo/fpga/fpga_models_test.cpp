#include "zoo/fpga/fpga_models.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "backends/xrt/emulation/bitstream.h"
#include "backends/xrt/emulation/rtl/dense_rtl.h"
#include "backends/xrt/fixed_point/dense_file.h"
#include "backends/xrt/manifest.h"
#include "backends/xrt/xclbin.h"

namespace bunch {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kSeed = 7;

std::string text_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    EXPECT_TRUE(file) << path;
    return {std::istreambuf_iterator<char>(file), {}};
}

class FpgaZoo : public testing::TestWithParam<std::string> {
  protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "bunch-zoo-XXXXXX";
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    FpgaZooResult written(const FpgaZooOptions& options, const std::string& to = "model") {
        auto result = write_fpga_zoo_model(GetParam(), (folder_ / to).string(), options);
        EXPECT_TRUE(result.ok()) << result.status().message();
        return std::move(*result);
    }

    std::string file(const std::string& ending, const std::string& in = "model") {
        return text_of(folder_ / in / (GetParam() + ending));
    }

    std::filesystem::path folder_;
};

TEST_P(FpgaZoo, WritesAManifestThatSaysHowTheKernelIsCalled) {
    const FpgaZooResult result = written({.seed = kSeed, .units = 3});
    const DenseNetwork network = fpga_zoo_network(GetParam(), kSeed);

    const auto manifest = fpga::read_manifest(result.manifest);

    ASSERT_TRUE(manifest.ok()) << manifest.status().message();
    EXPECT_EQ(manifest->kernel, GetParam());
    EXPECT_EQ(manifest->inputs[0].spec.shape[1], network.front().inputs);
    EXPECT_EQ(manifest->outputs[0].spec.shape[1], network.back().outputs);
    const fixed_point::DenseStack stack = fpga_zoo_stack(GetParam(), network);
    EXPECT_EQ(manifest->inputs[0].row_stride(), stack.input_stride(emulation::kDenseRowAlign));
    EXPECT_EQ(manifest->outputs[0].row_stride(), stack.output_stride(emulation::kDenseRowAlign));
    ASSERT_TRUE(manifest->twin.has_value());
    EXPECT_NEAR(manifest->twin->max_deviation, result.max_deviation, 1e-9);
    const auto xclbin = fpga::parse_xclbin(*fpga::read_file_bytes(manifest->xclbin));
    ASSERT_TRUE(xclbin.ok()) << xclbin.status().message();
    EXPECT_EQ(xclbin->units_of(GetParam()).size(), 3U);
}

TEST_P(FpgaZoo, PutsTheSameWeightsIntoTheCardAndIntoTheTwin) {
    written({.seed = kSeed});
    const DenseNetwork network = fpga_zoo_network(GetParam(), kSeed);

    const std::string weights = file(".weights");
    const auto stack = fixed_point::read_dense_stack(std::as_bytes(std::span(weights)));
    ASSERT_TRUE(stack.ok()) << stack.status().message();
    EXPECT_TRUE(*stack == fpga_zoo_stack(GetParam(), network));
    EXPECT_THAT(file(".xclbin"), HasSubstr(weights)) << "the emulated bitstream has the weights";

    onnx::ModelProto twin;
    ASSERT_TRUE(twin.ParseFromString(file(".onnx")));
    ASSERT_EQ(twin.graph().initializer_size(), static_cast<int>(2 * network.size()));
    for (std::size_t layer = 0; layer < network.size(); ++layer) {
        const std::string& raw = twin.graph().initializer(static_cast<int>(2 * layer)).raw_data();
        ASSERT_EQ(raw.size(), network[layer].weights.size() * sizeof(float));
        EXPECT_EQ(std::memcmp(raw.data(), network[layer].weights.data(), raw.size()), 0);
    }
}

TEST_P(FpgaZoo, StaysWithinTheDeviationThatItStatesOverTenTimesAsManyOtherRows) {
    const FpgaZooResult result = written({.seed = kSeed});
    const DenseNetwork network = fpga_zoo_network(GetParam(), kSeed);

    const Deviation other =
        deviation_of(network, fpga_zoo_stack(GetParam(), network), 200'000, kSeed + 1);

    EXPECT_GT(other.largest, 0.0);
    EXPECT_LE(other.largest, result.max_deviation);
    EXPECT_LT(other.mean, 0.1 * other.output);
    RecordProperty("largest_deviation", std::to_string(other.largest));
    RecordProperty("mean_deviation", std::to_string(other.mean));
}

TEST_P(FpgaZoo, HasRtlThatThisProjectVerilates) {
    written({.seed = kSeed, .rtl = true});
    const std::string net = GetParam().substr(0, GetParam().find('_'));
    EXPECT_EQ(text_of(folder_ / "model" / "dense_net.svh"),
              text_of(std::string(BUNCH_RTL_NETS) + "/" + net + "/dense_net.svh"));
    EXPECT_THAT(file(".xclbin"), HasSubstr("dense_rtl"));
    const std::string hex = text_of(folder_ / "model" / "weights.hex");
    EXPECT_EQ(static_cast<std::size_t>(std::count(hex.begin(), hex.end(), '\n')),
              (file(".weights").size() - 20 - 24 * fpga_zoo_network(GetParam(), kSeed).size()) / 4);
}

TEST_P(FpgaZoo, WritesTheSameFilesForTheSameSeedOnly) {
    written({.seed = kSeed}, "a");
    written({.seed = kSeed}, "b");
    written({.seed = kSeed + 1}, "c");
    for (const char* ending : {".toml", ".xclbin", ".onnx", ".weights"}) {
        EXPECT_EQ(file(ending, "a"), file(ending, "b")) << ending;
        EXPECT_NE(file(ending, "a"), file(ending, "c")) << ending;
    }
}

INSTANTIATE_TEST_SUITE_P(Models, FpgaZoo, testing::Values("facile_fpga", "muon_fpga"),
                         [](const auto& one) { return one.param.substr(0, one.param.find('_')); });

TEST(FpgaZooErrors, SayWhatWouldBeRight) {
    const auto unknown = write_fpga_zoo_model("resnet50", testing::TempDir(), {});
    EXPECT_EQ(unknown.status().code(), StatusCode::not_found);
    EXPECT_THAT(unknown.status().message(), HasSubstr("it has facile_fpga, muon_fpga"));
    const auto units = write_fpga_zoo_model("muon_fpga", testing::TempDir(), {.units = 16});
    EXPECT_EQ(units.status().code(), StatusCode::invalid_argument);
    EXPECT_THAT(units.status().message(), HasSubstr("write 1 to 15"));
    const auto nowhere = write_fpga_zoo_model("muon_fpga", "/dev/null/models", {});
    EXPECT_EQ(nowhere.status().code(), StatusCode::unavailable);
    EXPECT_THAT(nowhere.status().message(), HasSubstr("/dev/null/models/muon_fpga.weights"));
}

}  // namespace
}  // namespace bunch
