#include "bench/simulation/study.h"

#include <nlohmann/json.hpp>

#include "bench/simulation/policies.h"
#include "bench/simulation/report.h"
#include "tests/bench/simulation/small_world.h"

namespace bunch::simulation {
namespace {

Study study_of(const std::vector<Scenario>& scenarios, StudyOptions options = {}) {
    if (options.policies.empty()) options.policies = {{"greedy", {}}, {"edf", {{"drop", 1}}}};
    options.seeds = 2;
    options.resolution = .02;
    Result<Study> study = run_study(scenarios, options, [](std::size_t, std::size_t) {});
    EXPECT_TRUE(study.ok()) << study.status().to_string();
    return study.ok() ? std::move(*study) : Study{};
}

TEST(Study, HasAFindingPerScenarioPolicyAndSeed) {
    const Study study = study_of({open_loop(), farm_of(3)});

    ASSERT_EQ(study.rows.size(), 2u);
    for (const StudyRow& row : study.rows) {
        ASSERT_EQ(row.cells.size(), 2u);
        for (const StudyCell& cell : row.cells) {
            ASSERT_EQ(cell.findings.size(), 2u);
            EXPECT_DOUBLE_EQ(cell.mean_figure(),
                             (cell.findings[0].figure + cell.findings[1].figure) / 2);
        }
    }
    EXPECT_NE(study.rows[0].cells[0].findings[0].run.fingerprint,
              study.rows[0].cells[0].findings[1].run.fingerprint);
}

TEST(Study, TellsItsProgress) {
    std::vector<std::pair<std::size_t, std::size_t>> told;
    StudyOptions options;
    options.policies = {{"greedy", {}}};
    options.seeds = 2;

    const auto study = run_study({farm_of(3)}, options, [&](std::size_t through, std::size_t all) {
        told.emplace_back(through, all);
    });

    EXPECT_TRUE(study.ok());
    EXPECT_THAT(told, ElementsAre(std::pair(1, 2), std::pair(2, 2)));
}

TEST(Study, SaysWhichPolicyIsNotKnown) {
    StudyOptions options;
    options.policies = {{"oracle", {}}};

    const auto study = run_study({farm_of(3)}, options, [](std::size_t, std::size_t) {});

    ASSERT_FALSE(study.ok());
    EXPECT_THAT(study.status().message(), HasSubstr("there is no policy 'oracle' (known: bunchd"));
}

TEST(Study, RunsAtAFixedRateWhereOneIsGiven) {
    StudyOptions options;
    options.fixed_rate = 1000;

    const Study study = study_of({open_loop()}, options);

    const Finding& finding = study.rows[0].cells[0].findings[0];
    EXPECT_DOUBLE_EQ(finding.load, 1000 / study.rows[0].bound);
    EXPECT_NEAR(static_cast<double>(finding.run.all().offered), 400, 80);
}

TEST(Study, IsBeatenByTheFigureOfTheScenario) {
    Scenario scenario = farm_of(3);
    const double figure = study_of({scenario}).rows[0].cells[0].mean_figure();
    const auto beaten = [](const Study& study) {
        return is_beaten(study, study.rows[0], study.rows[0].cells[0]);
    };
    EXPECT_EQ(beaten(study_of({scenario})), std::nullopt);

    scenario.beat = figure - .01;
    EXPECT_EQ(beaten(study_of({scenario})), true);
    scenario.beat = figure + .01;
    EXPECT_EQ(beaten(study_of({scenario})), false);
}

TEST(Study, WantsTheRightNumberOfSwapsAndALatencyBelowTheFigure) {
    Scenario scenario = open_loop();
    scenario.measure = Measure::latency;
    scenario.load = 0.1;
    scenario.beat = 50;
    scenario.swaps = 0;
    const auto beaten = [](const Study& study) {
        return is_beaten(study, study.rows[0], study.rows[0].cells[0]);
    };
    EXPECT_EQ(beaten(study_of({scenario})), true);

    scenario.swaps = 1;
    EXPECT_EQ(beaten(study_of({scenario})), false);
    scenario.swaps = 0;
    scenario.beat = 0.5;
    EXPECT_EQ(beaten(study_of({scenario})), false);
}

TEST(Study, BeatsNothingAtALoadThatIsNotTheScenarios) {
    Scenario scenario = open_loop();
    scenario.beat = 0;
    StudyOptions options;
    options.fixed_load = 0.5;

    const Study study = study_of({scenario}, options);

    EXPECT_EQ(is_beaten(study, study.rows[0], study.rows[0].cells[0]), std::nullopt);
}

TEST(Report, ShowsScenariosDownAndPoliciesAcross) {
    Scenario scenario = farm_of(3);
    scenario.title = "three clients";
    scenario.beat = 0.01;

    const std::string table = to_table(study_of({scenario}));

    EXPECT_THAT(table, HasSubstr("greedy"));
    EXPECT_THAT(table, HasSubstr("edf:drop=1"));
    EXPECT_THAT(table, HasSubstr("three clients"));
    EXPECT_THAT(table, HasSubstr(">= 0.010"));
    EXPECT_THAT(table, HasSubstr("*"));
}

TEST(Report, ShowsModelsTenantsAndClassesInDetail) {
    Scenario scenario = open_loop();
    scenario.measure = Measure::tenants;
    scenario.tenants = {{.name = "victim", .load = 0.2},
                        {.name = "flood", .load = 3, .floods = true}};

    const std::string details = to_details(study_of({scenario}));

    EXPECT_THAT(details, HasSubstr("open under edf:drop=1, seed 1"));
    EXPECT_THAT(details, HasSubstr("tenant victim"));
    EXPECT_THAT(details, HasSubstr("class device"));
    EXPECT_THAT(details, HasSubstr("shed "));
    EXPECT_THAT(details, HasSubstr("fingerprint"));
}

TEST(Report, GivesEverythingAsJson) {
    Scenario scenario = open_loop();
    scenario.beat = 0.9;

    const auto json = nlohmann::json::parse(to_json(study_of({scenario, farm_of(2)})));

    const auto& row = json.at("scenarios").at(0);
    EXPECT_EQ(row.at("name"), "open");
    EXPECT_EQ(row.at("measure"), "goodput");
    EXPECT_EQ(row.at("beat"), 0.9);
    const auto& cell = row.at("policies").at(1);
    EXPECT_EQ(cell.at("policy"), "edf:drop=1");
    EXPECT_EQ(cell.at("beaten"), false);
    const auto& run = cell.at("seeds").at(1).at("run");
    EXPECT_GT(run.at("models").at(0).at("requests").at("offered"), 100);
    EXPECT_GT(run.at("models").at(0).at("latency_seconds").at("p99"), 1e-3);
    EXPECT_EQ(run.at("classes").at(0).at("name"), "device");
    EXPECT_FALSE(json.at("scenarios").at(1).contains("beat"));
}

TEST(PolicyChoice, IsReadAsItIsWritten) {
    const Result<PolicyChoice> choice = parse_choice("triton:delay_ms=2,cap=0.5");

    ASSERT_TRUE(choice.ok());
    EXPECT_EQ(choice->name, "triton");
    EXPECT_THAT(choice->settings, ElementsAre(std::pair<std::string, double>("delay_ms", 2),
                                              std::pair<std::string, double>("cap", 0.5)));
    EXPECT_EQ(to_text(*choice), "triton:delay_ms=2,cap=0.5");
    EXPECT_EQ(to_text(*parse_choice("bunchd")), "bunchd");
}

TEST(PolicyChoice, SaysWhatIsNoSetting) {
    for (const char* text : {"triton:delay_ms", "triton:=2", "triton:delay_ms=2,,"})
        EXPECT_THAT(parse_choice(text).status().message(), HasSubstr("is not a setting")) << text;
    for (const char* text : {"triton:delay_ms=", "triton:delay_ms=fast", "triton:delay_ms=2ms"})
        EXPECT_THAT(parse_choice(text).status().message(), HasSubstr("is not a number")) << text;
}

TEST(PolicyChoice, HasNoSettingsForTheProjectsOwn) {
    EXPECT_THAT(policy_maker({"bunchd", {{"delay_ms", 1}}}).status().message(),
                HasSubstr("policy bunchd has no setting 'delay_ms'"));
}

}  // namespace
}  // namespace bunch::simulation
