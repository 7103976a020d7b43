// Folders with files of two times: half of a new run beside an old one, an old verdict beside new
// RTL. (Samples: sample_file_test.cpp.)
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "muon/quantised/onnx_file.h"
#include "muon/rtl/generator.h"
#include "muon/run_folder.h"
#include "muon/sample_file.h"
#include "tests/muon/command_line.h"
#include "tests/muon/networks.h"

namespace bunch::muon {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Records : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = testing::TempDir() + std::to_string(::getpid()) + "_muon_records_" +
                  testing::UnitTest::GetInstance()->current_test_info()->name();
        fs::remove_all(folder_);
    }
    void TearDown() override { fs::remove_all(folder_); }

    std::string model() const { return folder_ + "/n.onnx"; }
    std::string rtl() const { return folder_ + "/rtl"; }
    std::string verdict() const { return rtl() + "/verify.json"; }
    std::string rtl_line() const { return "rtl " + model() + " --out " + rtl(); }

    /// A folder of RTL that was verified, as far as the files tell.
    void make_verified_rtl() const {
        ASSERT_TRUE(write_onnx(model(), random_integer_network(Task::pair, {6}, 3)).ok());
        ASSERT_EQ(command(rtl_line()), 0);
        ASSERT_TRUE(fs::exists(rtl() + "/rtl.json"));
        ASSERT_TRUE(write_text(verdict(), R"({"verdict": "equal"})").ok());
    }

    std::string folder_;
};

TEST_F(Records, OfARunGoBeforeItsNetworkChanges) {
    TrainedRun run;
    run.model.network = draw_network(std::vector<std::size_t>{6, 5, 3}, 4);
    ASSERT_TRUE(write_run(folder_, run).ok());
    ASSERT_TRUE(write_text(folder_ + "/evaluate.json", "{}").ok());
    fs::create_directories(folder_ + "/run.json.tmp");
    run.model.network = draw_network(std::vector<std::size_t>{6, 5, 3}, 5);

    EXPECT_FALSE(write_run(folder_, run).ok());

    EXPECT_EQ(read_run(folder_).status().code(), StatusCode::not_found);
    EXPECT_FALSE(fs::exists(folder_ + "/evaluate.json"));
}

TEST_F(Records, OfOlderRtlGoBeforeItsFilesChange) {
    ASSERT_NO_FATAL_FAILURE(make_verified_rtl());
    ASSERT_TRUE(write_onnx(model(), random_integer_network(Task::pair, {6}, 4)).ok());
    fs::create_directories(rtl() + "/rtl.json.tmp");

    EXPECT_THAT(error_of(rtl_line()), HasSubstr("rtl.json"));

    EXPECT_FALSE(fs::exists(rtl() + "/rtl.json"));
    EXPECT_FALSE(fs::exists(verdict()));
}

TEST_F(Records, OfAVerificationGoBeforeTheNext) {
    ASSERT_NO_FATAL_FAILURE(make_verified_rtl());
    ASSERT_TRUE(write_text(rtl() + "/muon_core.sv", "module muon_core; endmodule").ok());

    EXPECT_THAT(error_of("verify " + rtl() + " --model " + model() + " --sample " + folder_),
                HasSubstr("muon_core.sv' is not what"));
    EXPECT_FALSE(fs::exists(verdict()));
}

TEST_F(Records, OfRtlNameTheCoreAndTheStream) {
    const IntegerNetwork network = random_integer_network(Task::pair, {6}, 3);
    const std::string identity = hash_of(onnx_bytes(network));
    const Rtl made = make_rtl(network, identity);
    for (const char* file : {"muon_core.sv", "muon_stream.sv"}) {
        ASSERT_TRUE(write_rtl(rtl(), made).ok());
        ASSERT_TRUE(read_manifest(rtl(), identity).ok());
        auto manifest = nlohmann::json::parse(made.manifest);
        ASSERT_EQ(manifest["files"].erase(file), 1U);
        ASSERT_TRUE(write_text(rtl() + "/manifest.json", manifest.dump()).ok());

        EXPECT_THAT(read_manifest(rtl(), identity).status().message(),
                    HasSubstr("lacks muon_core.sv or muon_stream.sv; make the RTL again"))
            << file;
    }
}

}  // namespace
}  // namespace bunch::muon
