#include "bench/simulation/scenario_file.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "bench/simulation/scenario_fields.h"
#include "tests/bench/simulation/small_world.h"

namespace bunch::simulation {
namespace {

constexpr const char* kPlain = R"(name = "plain"
[[model]]
name = "A"
objective = "5ms"
mix = 2
[[class]]
name = "gpu"
runs = [{model = "A", fixed = "1ms", per_row = "20us", rows = 64}]
)";

constexpr const char* kFarm = R"(name = "farm"
measure = "events"
[[model]]
name = "A"
[[class]]
name = "gpu"
runs = [{model = "A", fixed = "1ms", per_row = "20us", rows = 64}]
[farm]
clients = 3
steps = [{think = "1ms", model = "A"}]
)";

std::vector<Scenario> scenarios(const std::string& text) {
    ScenarioResult result = parse_scenarios(text, "x.toml");
    if (const auto* problems = std::get_if<ScenarioProblems>(&result))
        for (const std::string& problem : *problems) ADD_FAILURE() << problem;
    auto* found = std::get_if<std::vector<Scenario>>(&result);
    return found == nullptr ? std::vector<Scenario>(1) : *found;
}

ScenarioProblems problems(const std::string& text) {
    const ScenarioResult result = parse_scenarios(text, "x.toml");
    const auto* found = std::get_if<ScenarioProblems>(&result);
    return found == nullptr ? ScenarioProblems{} : *found;
}

std::string with(std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

TEST(ScenarioFile, NeedsLittle) {
    const Scenario scenario = scenarios(kPlain).front();

    EXPECT_EQ(scenario.name, "plain");
    EXPECT_EQ(scenario.measure, Measure::goodput);
    EXPECT_EQ(scenario.span, 3s);
    ASSERT_EQ(scenario.models.size(), 1u);
    EXPECT_EQ(scenario.models[0].objective, 5ms);
    ASSERT_EQ(scenario.classes.size(), 1u);
    EXPECT_EQ(scenario.classes[0].slots, 1u);
    EXPECT_DOUBLE_EQ(scenario.classes[0].curves[0].per_row, 20e-6);
    EXPECT_EQ(scenario.classes[0].curves[0].max_rows, 64u);
    EXPECT_FALSE(scenario.farm);
}

TEST(ScenarioFile, DescribesDevicesInFull) {
    const std::string text = with(kPlain, "runs =", R"(devices = 2
lanes = 3
slots = 2
noise = 0.25
gather_per_row = "1us"
transfer_per_row = "2us"
stall_probability = 0.002
stall_time = "20ms"
changes = [{at = "1s", factor = 1.5}]
outages = [{device = 1, from = "1s", until = "2s"}]
mean_time_between_failures = "10s"
repair_time = "500ms"
reconfiguration = "2s"
holds = ["A", "A"]
runs =)");

    const DeviceClass one = scenarios(text).front().classes[0];

    EXPECT_EQ(one.devices, 2u);
    EXPECT_EQ(one.lanes, 3u);
    EXPECT_EQ(one.slots, 2u);
    EXPECT_DOUBLE_EQ(one.noise, 0.25);
    EXPECT_EQ(one.gather_per_row, 1us);
    EXPECT_EQ(one.transfer_per_row, 2us);
    EXPECT_DOUBLE_EQ(one.stall_probability, 0.002);
    EXPECT_EQ(one.stall_time, 20ms);
    EXPECT_EQ(one.changes[0].at, 1s);
    EXPECT_DOUBLE_EQ(one.changes[0].factor, 1.5);
    EXPECT_EQ(one.outages[0].until, 2s);
    EXPECT_EQ(one.mean_time_between_failures, 10s);
    EXPECT_EQ(one.repair_time, 500ms);
    EXPECT_EQ(one.reconfiguration, 2s);
    EXPECT_THAT(one.holds, ElementsAre(0u, 0u));
}

TEST(ScenarioFile, DescribesWhoAsks) {
    const std::string bursts = with(kPlain, "mix = 2", R"(mix = 2
rows = 4
on = "20ms"
off = "80ms"
burst_lengths = "fixed"
max_queued_rows = 100)");
    const SimulatedModel model = scenarios(bursts).front().models[0];
    EXPECT_EQ(model.rows, 4u);
    EXPECT_EQ(model.on, 20ms);
    EXPECT_EQ(model.off, 80ms);
    EXPECT_TRUE(model.fixed_bursts);
    EXPECT_EQ(model.max_queued_rows, 100u);

    const Farm farm = *scenarios(kFarm).front().farm;
    EXPECT_EQ(farm.clients, 3u);
    EXPECT_EQ(farm.steps[0].think, 1ms);

    const std::string tenants =
        std::string("measure = \"tenants\"\n") + kPlain +
        "[[tenant]]\nname = \"x\"\nweight = 2\nload = 0.5\nfloods = true\n" +
        "rows_per_second = 100\nburst_rows = 10\n";
    const SimulatedTenant tenant = scenarios(tenants).front().tenants[0];
    EXPECT_EQ(tenant.name, "x");
    EXPECT_DOUBLE_EQ(tenant.weight, 2);
    EXPECT_DOUBLE_EQ(tenant.load, 0.5);
    EXPECT_TRUE(tenant.floods);
    EXPECT_DOUBLE_EQ(tenant.rows_per_second, 100);
    EXPECT_DOUBLE_EQ(tenant.burst_rows, 10);
}

TEST(ScenarioFile, HasOneScenarioPerCase) {
    const std::vector<Scenario> found =
        scenarios(std::string(kFarm) + "[[case]]\nname = \"N=4\"\nclients = 4\nbeat = 0.9\n" +
                  "[[case]]\nname = \"N=16\"\nclients = 16\n");

    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].name, "farm N=4");
    EXPECT_EQ(found[0].farm->clients, 4u);
    EXPECT_DOUBLE_EQ(*found[0].beat, 0.9);
    EXPECT_EQ(found[1].farm->clients, 16u);
    EXPECT_FALSE(found[1].beat);
}

struct Mistake {
    const char* file;
    const char* from;
    const char* to;
    const char* problem;

    friend std::ostream& operator<<(std::ostream& out, const Mistake& mistake) {
        return out << mistake.to;
    }
};

class EveryMistake : public ::testing::TestWithParam<Mistake> {};

TEST_P(EveryMistake, IsNamedWithItsRemedy) {
    const Mistake& mistake = GetParam();

    const ScenarioProblems found = problems(with(mistake.file, mistake.from, mistake.to));

    ASSERT_FALSE(found.empty());
    EXPECT_THAT(found.front(), HasSubstr(mistake.problem));
    EXPECT_THAT(found.front(), HasSubstr("x.toml"));
}

const Mistake kMistakes[] = {
    {kPlain, "mix = 2", "mix =", "x.toml:5: "},
    {kPlain, "mix", "mixx", "x.toml:5: mixx is not a known key (did you mean mix?)"},
    {kPlain, "mix = 2", "mix = \"2\"", "x.toml:5: mix = \"2\" is of the wrong type"},
    {kPlain, "mix = 2", "mix = -1.5", "x.toml:5: mix = -1.5 is out of range (0 to"},
    {kPlain, "mix = 2", "mix = nan", "x.toml:5: mix = nan is out of range"},
    {kPlain, "\"5ms\"", "\"5\"", "x.toml:4: objective = \"5\" has no unit"},
    {kPlain, "\"5ms\"", "\"0ms\"", "x.toml:4: objective = \"0ms\" is out of range"},
    {kPlain, "rows = 64", "rows = 0", "x.toml:8: rows = 0 is out of range (1 to"},
    {kPlain, ", rows = 64", "", "x.toml:8: this curve has no rows (write rows = 64)"},
    {kPlain, "model = \"A\", ", "", "this curve has no model"},
    {kPlain, ", per_row = \"20us\"", "", "this curve has no per_row"},
    {kPlain, "model = \"A\"", "model = \"B\"", "model = \"B\" is no model of this scenario"},
    {kPlain, "model = \"A\"", "model = \"\"", "model = \"\" is empty"},
    {kPlain, "fixed = \"1ms\", per_row = \"20us\"", "per_row = \"0us\"", "runs in no time"},
    {kPlain, "rows = 64}", "rows = 64}, {model = \"A\", per_row = \"1us\", rows = 1}",
     "has two curves in this class"},
    {kPlain, "runs = [", "#", "class 'gpu' runs no model"},
    {kPlain, "runs = [", "runs = [1, ", "is of the wrong type (write a list of tables"},
    {kPlain, "name = \"plain\"", "", "the scenario has no name (write name = \"S1\")"},
    {kPlain, "name = \"A\"\n", "", "a [[model]] has no name"},
    {kPlain, "name = \"gpu\"\n", "", "a [[class]] has no name"},
    {kPlain, "[[class]]", "[[model]]\nname = \"A\"\n[[class]]", "model 'A' is there twice"},
    {kPlain, "[[class]]", "[[model]]\nname = \"B\"\n[[class]]", "no class runs model 'B'"},
    {kPlain, "mix = 2", "mix = 0", "nobody asks for a model"},
    {kPlain, "mix = 2", "mix = 2\non = \"1ms\"", "has only one of on and off"},
    {kPlain, "mix = 2", "mix = 2\nburst_lengths = \"long\"",
     "burst_lengths = \"long\" is unknown (write \"exponential\" or \"fixed\")"},
    {kPlain, "runs", "holds = [\"A\"]\nruns", "class 'gpu' has holds, but no reconfiguration"},
    {kPlain, "runs", "holds = \"A\"\nruns", "holds = \"A\" is of the wrong type"},
    {kPlain, "runs", "devices = 2\nreconfiguration = \"1s\"\nholds = [\"A\"]\nruns",
     "has 2 devices, but holds names 1 models"},
    {kPlain, "runs", "reconfiguration = \"1s\"\nholds = [\"B\"]\nruns",
     "has no curve in this class"},
    {kPlain, "runs", "changes = [{at = \"2s\", factor = 2}, {at = \"1s\", factor = 3}]\nruns",
     "are not in order of time"},
    {kPlain, "runs", "outages = [{device = 1, from = \"1s\", until = \"2s\"}]\nruns",
     "an outage of class 'gpu' is of device 1"},
    {kPlain, "runs", "outages = [{from = \"2s\", until = \"2s\"}]\nruns", "ends before it begins"},
    {kPlain, "runs", "mean_time_between_failures = \"1s\"\nruns", "has no repair_time"},
    {kPlain, "[[model]]", "measure = \"speed\"\n[[model]]", "measure = \"speed\" is unknown"},
    {kPlain, "[[model]]", "measure = \"events\"\n[[model]]",
     "measure = \"events\" and a section [farm] need each other"},
    {kPlain, "[[model]]", "measure = \"tenants\"\n[[model]]",
     "measure = \"tenants\" and sections [[tenant]] need each other"},
    {kPlain, "[[model]]", "bound = \"best\"\n[[model]]", "bound = \"best\" is unknown"},
    {kPlain, "[[model]]", "bound = \"lockstep\"\n[[model]]", "bound = \"lockstep\" is for a farm"},
    {kPlain, "[[model]]", "bound = \"uncrowded\"\n[[model]]",
     "bound = \"uncrowded\" is for closed loops"},
    {kPlain, "[[model]]", "[[modell]]", "modell is not a known key"},
    {kPlain, "[[class]]", "[class]", "class = a table is of the wrong type"},
    {kFarm, "[farm]", "[[farm]]", "farm = a list is of the wrong type"},
    {kFarm, "steps", "#", "the farm has no steps"},
    {kFarm, "clients = 3", "", "the farm has no clients"},
    {kFarm, "clients = 3", "clients = 3\ntenant_loads = [1]", "tenant_loads is not a known key"},
    {kFarm, "[farm]", "[[case]]\nname = \"a\"\ntenant_loads = [1]\n[farm]",
     "case 'a' has 1 tenant_loads for 0 tenants"},
    {kFarm, "[farm]", "[[case]]\ntenant_loads = [\"1\"]\n[farm]",
     "tenant_loads = \"1\" is of the wrong type"},
};

INSTANTIATE_TEST_SUITE_P(Mistakes, EveryMistake, ::testing::ValuesIn(kMistakes));

TEST(ScenarioFile, RefusesALockstepThatTheDeviceCannotTakeInOneBatch) {
    const std::string text = std::string("bound = \"lockstep\"\n") + kFarm;
    EXPECT_THAT(problems(text), IsEmpty());

    EXPECT_THAT(problems(text + "[[case]]\nclients = 65\n"),
                ElementsAre(HasSubstr("takes all clients in one batch")));
}

TEST(ScenarioFile, FindsAllProblemsAtOnce) {
    const std::string text = with(with(kPlain, "mix = 2", "mix = -1"), "rows = 64", "rows = 0");

    EXPECT_THAT(problems(text),
                ElementsAre(HasSubstr("x.toml:5: mix"), HasSubstr("x.toml:8: rows")));
}

TEST(ScenarioFile, MustBeThere) {
    const ScenarioResult result = load_scenarios("/nowhere/pool.toml");

    const auto* found = std::get_if<ScenarioProblems>(&result);
    ASSERT_NE(found, nullptr);
    EXPECT_THAT(*found, ElementsAre(HasSubstr("/nowhere/pool.toml: cannot be read")));
}

TEST(ScenarioFile, IsRightForAllThatAreShipped) {
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(BUNCH_SCENARIOS)) {
        const ScenarioResult result = load_scenarios(entry.path().string());
        if (const auto* wrong = std::get_if<ScenarioProblems>(&result))
            ADD_FAILURE() << wrong->front();
        ++files;
    }
    EXPECT_GE(files, 12u);
}

TEST(ScenarioFile, HasNoKeyThatTheReadmeDoesNotExplain) {
    std::ifstream file(BUNCH_BENCH_README);
    const std::string readme(std::istreambuf_iterator<char>(file), {});
    ASSERT_FALSE(readme.empty());

    for (const std::string& key : scenario_keys())
        EXPECT_THAT(readme,
                    ::testing::ContainsRegex("[`{ ]" + key.substr(key.rfind('.') + 1) + "(`| =)"))
            << key;
}

}  // namespace
}  // namespace bunch::simulation
