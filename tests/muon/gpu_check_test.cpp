// tools/muon_gpu_check on the processor: the same script that compares a GPU with the integers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>

#include "muon/commands.h"
#include "muon/quantised/onnx_file.h"
#include "muon/sample_file.h"
#include "tests/muon/dead_unit.h"
#include "tests/muon/networks.h"

namespace bunch::muon {
namespace {

using testing::HasSubstr;

struct Output {
    int code = -1;
    std::string text;
};

Output output_of(const std::string& command) {
    std::FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
    Output output;
    std::array<char, 4096> part;
    for (std::size_t got = 0; (got = std::fread(part.data(), 1, part.size(), pipe)) > 0;)
        output.text.append(part.data(), got);
    const int status = ::pclose(pipe);
    if (WIFEXITED(status)) output.code = WEXITSTATUS(status);
    return output;
}

class GpuCheck : public testing::TestWithParam<Task> {
  protected:
    void SetUp() override {
        if (output_of("/usr/bin/python3 -c 'import torch, onnx, numpy'").code != 0)
            GTEST_SKIP() << "PyTorch is missing (packages python3-torch, python3-onnx, "
                            "python3-numpy)";
        folder_ = testing::TempDir() + std::to_string(::getpid()) + "_muon_gpu_check_" +
                  std::string(name_of(GetParam()));
        std::filesystem::remove_all(folder_);
        ASSERT_NO_FATAL_FAILURE(take(random_integer_network(GetParam(), {10, 6}, 3)));
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::string model() const { return folder_ + "/muon.onnx"; }
    void take(const IntegerNetwork& network) const {
        ASSERT_TRUE(write_onnx(model(), network).ok());
        const std::string model_path = model(), out = folder_ + "/vectors";
        const char* line[] = {"bunch-muon", "vectors", model_path.c_str(), "--out", out.c_str(),
                              "--vectors",  "20000"};
        ASSERT_EQ(run(7, line), 0);
    }
    Output check() const {
        return output_of("/usr/bin/python3 " BUNCH_MUON_GPU_CHECK " " + model() + " " + folder_ +
                         "/vectors --device cpu --rows 8192");
    }
    std::string folder_;
};

TEST(GpuCheckTool, SaysWhichPackagesItLacks) {
    // Without site-packages, where Debian has them.
    const Output output = output_of("/usr/bin/python3 -S -E " BUNCH_MUON_GPU_CHECK " a b");

    EXPECT_EQ(output.code, 2);
    EXPECT_THAT(output.text, HasSubstr("install python3-torch and python3-onnx"));
}

TEST_P(GpuCheck, FindsNoDifferenceAndNoticesAChangedWeight) {
    const Output output = check();

    EXPECT_EQ(output.code, 0) << output.text;
    EXPECT_THAT(output.text, HasSubstr("0 of 20000 vectors differ"));
    EXPECT_THAT(output.text, HasSubstr("negative control"));
}

TEST_P(GpuCheck, ChangesAWeightOfTheLastOfManyLayers) {
    ASSERT_NO_FATAL_FAILURE(
        take(random_integer_network(GetParam(), std::vector<std::size_t>(10, 4), 3)));

    const Output output = check();

    EXPECT_EQ(output.code, 0) << output.text;
    EXPECT_THAT(output.text, HasSubstr("negative control, layer10.weight[0, "));
}

TEST_P(GpuCheck, PassesOverWeightsThatReadADeadUnit) {
    ASSERT_NO_FATAL_FAILURE(take(network_with_dead_unit(GetParam())));

    const Output output = check();

    EXPECT_EQ(output.code, 0) << output.text;
    EXPECT_THAT(output.text, HasSubstr("negative control, layer2.weight[0, 1]"));
}

TEST_P(GpuCheck, RefusesVectorsThatNoWeightAlters) {
    IntegerNetwork network = random_integer_network(GetParam(), {10, 6}, 3);
    for (std::int32_t& weight : network.layers.back().weights) weight = 0;
    ASSERT_NO_FATAL_FAILURE(take(network));

    const Output output = check();

    EXPECT_EQ(output.code, 2);
    EXPECT_THAT(output.text, HasSubstr("0 of 20000 vectors differ"));
    EXPECT_THAT(output.text, HasSubstr("muon_gpu_check: no change of one weight alters"));
}

TEST_P(GpuCheck, SaysThatResultsDiffer) {
    const std::string path = folder_ + "/vectors/expected.npy";
    std::string bytes = *read_text(path);
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    ASSERT_TRUE(write_text(path, bytes).ok());

    const Output output = check();

    EXPECT_EQ(output.code, 1);
    EXPECT_THAT(output.text, HasSubstr("1 of 20000 vectors differ"));
    EXPECT_THAT(output.text, HasSubstr("results differ from the integers"));
}

TEST_P(GpuCheck, RefusesVectorsOfAnotherNetwork) {
    ASSERT_TRUE(write_onnx(model(), random_integer_network(GetParam(), {10, 6}, 4)).ok());

    const Output output = check();

    EXPECT_EQ(output.code, 2);
    EXPECT_THAT(output.text, HasSubstr("make the vectors again with 'bunch-muon vectors'"));
}

INSTANTIATE_TEST_SUITE_P(Tasks, GpuCheck, testing::Values(Task::recalibration, Task::pair),
                         [](const auto& task) { return std::string(name_of(task.param)); });

}  // namespace
}  // namespace bunch::muon
