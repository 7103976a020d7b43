#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "muon/commands.h"
#include "muon/quantised/onnx_file.h"
#include "muon/report/cpu_runner.h"
#include "muon/report/study.h"
#include "muon/report/study_folder.h"
#include "muon/report/targets.h"
#include "muon/rtl/programs.h"
#include "muon/sample_file.h"
#include "muon/vectors.h"
#include "tests/muon/networks.h"

namespace bunch::muon {
namespace {

using testing::HasSubstr;

std::string new_folder(const std::string& name) {
    std::string folder = testing::TempDir() + std::to_string(::getpid()) + "_muon_" + name;
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    return folder;
}

/// Files that contain their own names.
void write_all(const std::string& folder, const std::vector<std::string>& names) {
    for (const std::string& name : names)
        ASSERT_TRUE(write_text(folder + "/" + name, name).ok()) << name;
}

std::set<std::string> names_in(const std::string& folder) {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        names.insert(entry.path().filename().string());
    return names;
}

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
          "| ONNX on bunch-runner-cpu | 20000 | 0 |", "| activations of 8 bits |"})
        EXPECT_THAT(*text, HasSubstr(part));
    for (const char* picture : {"resolution", "roc", "pareto", "curves"})
        EXPECT_TRUE(std::filesystem::exists(folder + "/" + picture + ".svg")) << picture;
    const auto json = nlohmann::json::parse(*read_text(folder + "/report.json"));
    EXPECT_EQ(json["recalibration"]["pareto"].size(), 20U);
    EXPECT_EQ(json["pair"]["ablation"].size(), 8U);
    EXPECT_EQ(json["settings"]["choices"]["detector_seed"], 7);
    EXPECT_EQ(json["recalibration"]["search"].size(), 9U);
    EXPECT_EQ(json["pair"]["few"].size(), 6U);
    EXPECT_EQ(json["settings"]["test_seed"], kTestSeed);
    for (const char* task : {"recalibration", "pair"}) {
        const auto& hardware = json["hardware"][task];
        EXPECT_EQ(hardware.value("benches", nlohmann::json::object()).size(),
                  has_program("verilator") ? 4U : 0U);
        ASSERT_EQ(hardware["seeds"].size(), 2U);
        for (const auto& seed : hardware["seeds"])
            EXPECT_EQ(seed.contains("area"), has_program("yosys"));
        EXPECT_GT(hardware["cpu_control_differs"], 0);
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

TEST(StudyFolder, OfANewStudyLosesWhatAnEarlierOneLeft) {
    const std::string folder = new_folder("earlier");
    write_all(folder, {"study.json", "report.md", "report.json", "roc.svg", "pair.onnx",
                       "recalibration_seed_2.onnx", "notes.txt", "my_recalibration.onnx"});
    std::filesystem::create_directories(folder + "/networks/pair/baseline__seed_1");
    std::filesystem::create_directories(folder + "/rtl_pair_seed_2");

    ASSERT_TRUE(begin_study_folder(folder, "{}", false).ok());

    EXPECT_EQ(names_in(folder),
              (std::set<std::string>{"my_recalibration.onnx", "notes.txt", "study.json"}));
    EXPECT_EQ(*read_text(folder + "/study.json"), "{}");
}

TEST(StudyFolder, ThatIsGoneOnWithKeepsItsNetworksAndLosesItsReport) {
    const std::string folder = new_folder("resumed");
    write_all(folder, {"study.json", "report.md"});
    std::filesystem::create_directories(folder + "/networks/pair");

    ASSERT_TRUE(begin_study_folder(folder, "study.json", true).ok());

    EXPECT_EQ(names_in(folder), (std::set<std::string>{"networks", "study.json"}));
}

TEST(StudyFolder, IsNotGoneOnWithWhereNoStudyWasBegun) {
    const auto status = begin_study_folder(new_folder("none"), "{}", true);

    EXPECT_THAT(status.message(), HasSubstr("begin one without --continue"));
}

TEST(StudyFolder, LeavesNetworksAloneThatAreNoStudys) {
    const std::string folder = new_folder("foreign");
    std::filesystem::create_directories(folder + "/networks/mine");

    const auto status = begin_study_folder(folder, "{}", false);

    EXPECT_THAT(status.message(), HasSubstr("choose another folder"));
    EXPECT_TRUE(std::filesystem::exists(folder + "/networks/mine"));
}

TEST(CpuRunner, RunsAnyNumberOfVectorsInCallsThatItTakes) {
    const std::string folder = new_folder("runner");
    const IntegerNetwork network = random_integer_network(Task::recalibration, {4}, 3);
    ASSERT_TRUE(write_onnx(folder + "/network.onnx", network).ok());
    std::vector<std::int32_t> fields;
    fill_up(fields, network.task, 10, 1);
    auto expected = run_fields(network, fields, 1);
    const auto differing = [&] {
        return differing_on_runner(folder + "/network.onnx", network.task, fields, expected, 4);
    };

    EXPECT_EQ(*differing(), 0U);
    expected.front() += 1;
    expected.back() -= 1;
    EXPECT_EQ(*differing(), 2U);
}

/// A study with one network of each kind, all equally good.
Study even_study() {
    Study study;
    study.pair.task = Task::pair;
    for (TaskStudy* task : {&study.recalibration, &study.pair})
        for (const char* name : {"teacher", "baseline", "student", "compressed"})
            task->variants.push_back({name, {Judged{{}, {{0.9, 0.9, 0.9, 0.9}, {100, 1792}, 1}}}});
    return study;
}

TEST(Targets, SayWhatWasNotMeasured) {
    const Study study = even_study();
    Hardware nothing;
    nothing.seeds = {Synthesis{"network", 15, 100, std::nullopt}};

    const std::string text = targets_of({study, nothing, nothing, 1, ""});

    EXPECT_THAT(text, HasSubstr("| 9.0× | met | met |"));
    EXPECT_THAT(text, HasSubstr("worst 1.0000; phi RMS 1.000, pt 1.000 | met | **missed** |"));
    EXPECT_THAT(text, HasSubstr("by Yosys, ≤ 5000 / 1, aim ≤ 3000 | not measured | | |"));
    EXPECT_THAT(text, HasSubstr("pairs: bit-exact vectors, 1e6, aim 1e7 | not measured | | |"));
}

TEST(Targets, AreMissedByTheWorstSeedsHardware) {
    Study study = even_study();
    study.recalibration.variants.back().seeds[0].score.figures[2] = 0.9001;
    Hardware hardware;
    for (const auto& [clocks, luts] : {std::pair{15, 2'900U}, std::pair{21, 5'001U}}) {
        Area area;
        area.luts = luts;
        area.dsps = 1;
        hardware.seeds.push_back({"network", clocks, 100, area});
    }

    const std::string text = targets_of({study, hardware, hardware, 1, ""});

    EXPECT_THAT(text, HasSubstr("worst 1.0001; phi RMS 1.000, pt 1.000 | **missed** |"));
    EXPECT_THAT(text, HasSubstr("| 15, 21 | **missed** | **missed** |"));
    EXPECT_THAT(text, HasSubstr("| 2900, 5001 / 1, 1 | **missed** | **missed** |"));
}

TEST(Report, NeedsASeed) {
    StudySettings settings = quick_settings();
    settings.seeds = 0;

    const auto study = run_study(settings, [](std::size_t, std::size_t, const std::string&) {});

    EXPECT_THAT(study.status().message(), HasSubstr("at least 1 seed"));
}

}  // namespace
}  // namespace bunch::muon
