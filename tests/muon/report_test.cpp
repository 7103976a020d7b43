#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "muon/commands.h"
#include "muon/report/study.h"
#include "muon/rtl/programs.h"
#include "muon/sample_file.h"

namespace bunch::muon {
namespace {

using testing::HasSubstr;

// The whole study in small: what tools/muon-report does.
TEST(Report, ShowsEveryNetworkAndThatHardwareIsEqual) {
    const std::string folder =
        testing::TempDir() + std::to_string(::getpid()) + " muon report with a '";
    std::filesystem::remove_all(folder);
    const char* arguments[] = {"bunch-muon", "report", folder.c_str(), "--quick",
                               "--seeds",    "2",      "--vectors",    "20000"};

    ASSERT_EQ(run(8, arguments), 0);

    const auto text = read_text(folder + "/report.md");
    ASSERT_TRUE(text.ok());
    for (const char* part :
         {"## Targets", "| raw trigger |", "| baseline, folded |", "| teacher |", "| compressed |",
          "| distillation added |", "| no transfer |", "| 96-48-24 |", "rows, transfer |",
          "| ONNX on bunch-runner-cpu | 20000 | 0 |"})
        EXPECT_THAT(*text, HasSubstr(part));
    for (const char* picture : {"resolution", "roc", "pareto", "curves"})
        EXPECT_TRUE(std::filesystem::exists(folder + "/" + picture + ".svg")) << picture;
    const auto json = nlohmann::json::parse(*read_text(folder + "/report.json"));
    EXPECT_EQ(json["recalibration"]["pareto"].size(), 20U);
    EXPECT_EQ(json["pair"]["ablation"].size(), 7U);
    EXPECT_EQ(json["recalibration"]["search"].size(), 9U);
    EXPECT_EQ(json["pair"]["few"].size(), 6U);
    EXPECT_EQ(json["settings"]["test_seed"], kTestSeed);
    for (const char* task : {"recalibration", "pair"}) {
        const auto& hardware = json["hardware"][task];
        EXPECT_EQ(hardware["benches"].size(), has_program("verilator") ? 4U : 0U);
        ASSERT_EQ(hardware["seeds"].size(), 2U);
        for (const auto& seed : hardware["seeds"])
            EXPECT_EQ(seed.contains("area"), has_program("yosys"));
        EXPECT_NE(hardware["seeds"][0]["network"], hardware["seeds"][1]["network"]);
        EXPECT_EQ(hardware["missing"].size(),
                  (has_program("verilator") ? 0U : 1U) + (has_program("yosys") ? 0U : 1U));
    }
    std::filesystem::remove_all(folder);
}

TEST(Report, GoesOnWhereItWasStopped) {
    StudySettings settings{.muons = 2'000,
                           .pairs = 2'000,
                           .test = 2'000,
                           .seeds = 1,
                           .epochs = 1,
                           .compression_epochs = 2,
                           .teacher_epochs = 1,
                           .pareto_epochs = 1,
                           .few = {1'000},
                           .few_visits = 2'000};
    settings.folder = testing::TempDir() + std::to_string(::getpid()) + "_muon_stopped_report";
    const auto quiet = [](std::size_t, std::size_t, const std::string&) {};
    const auto before = run_study(settings, quiet);
    ASSERT_TRUE(before.ok()) << before.status().to_string();
    const std::string networks = settings.folder + "/networks/recalibration/";
    const auto kept = std::filesystem::last_write_time(networks + "teacher__seed_1/run.json");
    std::filesystem::remove_all(networks + "as_chosen__seed_1");
    settings.resume = true;

    const auto after = run_study(settings, quiet);

    ASSERT_TRUE(after.ok()) << after.status().to_string();
    EXPECT_TRUE(std::filesystem::exists(networks + "as_chosen__seed_1/run.json"));
    EXPECT_EQ(std::filesystem::last_write_time(networks + "teacher__seed_1/run.json"), kept);
    for (std::size_t i = 0; i < before->recalibration.variants.size(); ++i)
        EXPECT_EQ(after->recalibration.variants[i].seeds[0].score.figures,
                  before->recalibration.variants[i].seeds[0].score.figures);
    std::filesystem::remove_all(settings.folder);
}

TEST(Report, OfOtherSettingsIsNotContinued) {
    StudySettings settings = quick_settings();
    settings.folder = testing::TempDir() + std::to_string(::getpid()) + "_muon_other_report";
    std::filesystem::create_directories(settings.folder);
    ASSERT_TRUE(write_text(settings.folder + "/study.json", json_of(settings).dump(2) + "\n").ok());
    settings.resume = true;
    settings.epochs = 7;

    const auto study = run_study(settings, [](std::size_t, std::size_t, const std::string&) {});

    EXPECT_THAT(study.status().message(), HasSubstr("a study with other settings"));
    std::filesystem::remove_all(settings.folder);
}

TEST(Report, NeedsASeed) {
    StudySettings settings = quick_settings();
    settings.seeds = 0;

    const auto study = run_study(settings, [](std::size_t, std::size_t, const std::string&) {});

    EXPECT_THAT(study.status().message(), HasSubstr("at least 1 seed"));
}

}  // namespace
}  // namespace bunch::muon
