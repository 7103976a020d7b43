#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "muon/quantised/onnx_file.h"
#include "muon/sample_file.h"
#include "tests/muon/command_line.h"

namespace bunch::muon {
namespace {

using testing::HasSubstr;

class Commands : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        folder_ = testing::TempDir() + std::to_string(::getpid()) + "_muon_commands";
        std::filesystem::remove_all(folder_);
        ASSERT_EQ(command("generate " + folder_ + "/s --muons 4000 --pairs 4000"), 0);
    }
    static void TearDownTestSuite() { std::filesystem::remove_all(folder_); }

    static std::string folder_;
};
std::string Commands::folder_;

TEST_F(Commands, TrainCompressAndEvaluateBothTasks) {
    const std::string s = folder_ + "/s", f = folder_;
    ASSERT_EQ(command("train " + s + " --out " + f + "/student --epochs 4 --batch 64"), 0);
    ASSERT_EQ(command("train " + s + " --out " + f + "/base --role baseline --epochs 4 --batch 64"),
              0);
    ASSERT_EQ(command("compress " + s + " --from " + f + "/student --teacher " + f +
                      "/student --distillation 0.3 --sparsity 0.5 --epochs 4 --batch 64 --out " +
                      f + "/small"),
              0);
    ASSERT_EQ(command("train " + s + " --task pair --epochs 4 --batch 64 --transfer " + f +
                      "/student --out " + f + "/pair"),
              0);
    EXPECT_EQ(command("export " + f + "/small --out " + f + "/small.onnx"), 0);
    EXPECT_TRUE(read_onnx(f + "/small.onnx").ok());
    EXPECT_THAT(error_of("export " + f + "/student --out " + f + "/x.onnx", 1),
                HasSubstr("floating point"));
    testing::internal::CaptureStdout();
    ASSERT_EQ(command("evaluate --json " + s + " " + f + "/base " + f + "/small " + f + "/pair"),
              0);

    const auto figures = nlohmann::json::parse(testing::internal::GetCapturedStdout());
    EXPECT_LT(figures[f + "/base"]["phi"]["rms"], figures["raw"]["phi"]["rms"]);
    EXPECT_LT(figures[f + "/small"]["phi"]["rms"], figures["raw"]["phi"]["rms"]);
    EXPECT_LT(figures[f + "/small"]["weight_bits"], 1872 / 2 * 6 + 200);
    EXPECT_GT(figures[f + "/pair"]["roc_auc"], 0.8);
    const auto evaluated = nlohmann::json::parse(*read_text(f + "/small/evaluate.json"));
    EXPECT_EQ(evaluated["settings"]["sample_settings"]["seed"], 1);
    EXPECT_EQ(evaluated["results"], figures[f + "/small"]);
    const auto record = nlohmann::json::parse(*read_text(f + "/small/run.json"));
    EXPECT_EQ(record["curve"].size(), 4U);
    EXPECT_EQ(record["settings"]["quantisation_aware"], true);
    EXPECT_EQ(record["settings"]["start"]["seed"], 1);
    const std::string student = hash_of(*read_text(f + "/student/network.json"));
    EXPECT_EQ(record["settings"]["start_network"], student);
    EXPECT_EQ(record["settings"]["teacher"], student);
    EXPECT_EQ(record["settings"]["teacher_folder"], f + "/student");
    EXPECT_EQ(nlohmann::json::parse(*read_text(f + "/pair/run.json"))["settings"]["transfer"],
              student);
    ASSERT_EQ(
        command("compress " + s + " --from " + f + "/student --last-weight-bits 2 --epochs 1" +
                " --batch 64 --out " + f + "/coarse"),
        0);
    EXPECT_EQ(command("export " + f + "/coarse --out " + f + "/coarse.onnx"), 0);
    const std::string compress = "compress " + s + " --from " + f + "/student --out " + f + "/x ";
    EXPECT_THAT(error_of(compress + "--teacher " + f + "/student"),
                HasSubstr("a teacher counts nothing at a distillation of 0"));
    EXPECT_THAT(error_of(compress + "--distillation 0.5"), HasSubstr("needs a teacher"));
    EXPECT_FALSE(std::filesystem::exists(f + "/x/network.json"));
}

TEST_F(Commands, SayWhatIsWrong) {
    const std::string s = folder_ + "/s";
    EXPECT_THAT(error_of("generate " + folder_ + "/x --muons 0", 1), HasSubstr("at least 1"));
    EXPECT_THAT(error_of("train /nowhere --out " + folder_ + "/x", 1), HasSubstr("/nowhere"));
    EXPECT_THAT(error_of("train " + s + " --role boss --out " + folder_ + "/x", 1),
                HasSubstr("role 'boss'"));
    EXPECT_THAT(error_of("train " + s + " --hidden 3,,4 --out " + folder_ + "/x", 1),
                HasSubstr("write widths as"));
    EXPECT_THAT(error_of("train " + s + " --rate 1e30 --out " + folder_ + "/x", 1),
                HasSubstr("loss is no number"));
    for (const char* rate : {"-1", "0", "nan"})
        EXPECT_THAT(error_of("train " + s + " --out " + folder_ + "/x --rate " + rate),
                    HasSubstr("all must be above 0"));
    EXPECT_THAT(error_of("train " + s + " --out " + folder_ + "/x --epochs 0"),
                HasSubstr("0 epochs"));
    EXPECT_THAT(error_of("train " + s + " --out " + folder_ + "/x --batch 100000000000"),
                HasSubstr("too large"));
    EXPECT_FALSE(std::filesystem::exists(folder_ + "/x/network.json"));
    for (const char* kind : {" --muons", " --pairs 100000000000 --muons"})
        EXPECT_THAT(error_of("generate " + folder_ + "/x" + kind +
                             (std::string(kind) == " --muons" ? " 100000000000" : " 10")),
                    HasSubstr("ask for up to 20000000"));
    EXPECT_THAT(error_of("evaluate " + s + " " + folder_ + "/none", 1), HasSubstr("none"));
    error_of("dance", 2);
}

TEST_F(Commands, TryTheFolderOfTheirResultsBeforeTheWork) {
    const std::string s = folder_ + "/s", file = s + "/generate.json";
    const auto none = [](const std::string& said) { return said.find("loss") == said.npos; };

    const std::string trained = error_of("train " + s + " --out " + file + "/x --epochs 1");
    EXPECT_THAT(trained, HasSubstr("cannot be written to"));
    EXPECT_TRUE(none(trained)) << trained;
    EXPECT_THAT(error_of("report " + file + "/x --quick"), HasSubstr("cannot be written to"));
    error_of("report " + folder_ + "/r --vectors 100000000000", 2);
    error_of("report " + folder_ + "/r --seeds 100000000000", 2);
}

}  // namespace
}  // namespace bunch::muon
