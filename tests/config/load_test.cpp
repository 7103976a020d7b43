#include "config/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <variant>

namespace bunch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// Enough for a usable file; one more section can follow.
const std::string kMinimal = R"([[device]]
name = "cpu0"
backend = "cpu"
[[model]]
name = "m"
path = "m.onnx"
)";

Config config_of(const std::string& text) {
    const ConfigResult result = parse_config(text, "/etc/bunchd/b.toml");
    if (const auto* problems = std::get_if<ConfigProblems>(&result)) {
        ADD_FAILURE() << testing::PrintToString(*problems);
        return {};
    }
    return std::get<Config>(result);
}

ConfigProblems problems_of(const std::string& text) {
    const ConfigResult result = parse_config(text, "b.toml");
    if (const auto* problems = std::get_if<ConfigProblems>(&result)) return *problems;
    return {};
}

TEST(Config, KeepsDefaultsWhereTheFileIsSilent) {
    const Config config = config_of(kMinimal);

    EXPECT_EQ(config.server.http_address, "127.0.0.1:8765");
    EXPECT_EQ(config.limits.max_open_bytes, 2 * kGiB);
    EXPECT_EQ(config.devices.at(0).lanes, 0u);
    EXPECT_EQ(config.models.at(0).version, "1");
    EXPECT_TRUE(config.models.at(0).signature.batched);
    EXPECT_EQ(config.models.at(0).objective, std::nullopt);
}

TEST(Config, ReadsEachKindOfValue) {
    const Config config = config_of(R"(
[server]
data_endpoints = ["tcp://127.0.0.1:9000", "ipc://@bunchd"]
drain_timeout = "2m"
[log]
level = "debug"
[[device]]
name = "sim"
backend = "simulated"
lanes = 2
options = {fixed = "5ms", rows = 8, noisy = false}
[[model]]
name = "m"
version = "2"
objective = "20ms"
precision = "bf16"
numerics = "bitwise"
keep_client_order = true
batched = false
inputs = [{name = "x", type = "FP32", shape = [3, -1]}, {name = "s", type = "INT64", shape = []}]
outputs = [{name = "y", type = "BOOL", shape = [1]}]
)");

    EXPECT_THAT(config.server.data_endpoints, ElementsAre("tcp://127.0.0.1:9000", "ipc://@bunchd"));
    EXPECT_EQ(config.server.drain_timeout, 2min);
    EXPECT_EQ(config.log.level, "debug");
    const std::map<std::string, std::string> options = {
        {"fixed", "5ms"}, {"rows", "8"}, {"noisy", "false"}};
    EXPECT_EQ(config.devices.at(0).options, options);
    const ModelSpec& model = config.models.at(0);
    EXPECT_EQ(model.objective, 20ms);
    EXPECT_EQ(model.precision, Precision::bf16);
    EXPECT_EQ(model.numerics, Numerics::bitwise);
    EXPECT_TRUE(model.keeps_client_order);
    EXPECT_FALSE(model.signature.batched);
    EXPECT_EQ(model.signature.inputs.at(0), (TensorSpec{"x", DataType::f32, Shape{3, -1}}));
    EXPECT_EQ(model.signature.inputs.at(1), (TensorSpec{"s", DataType::i64, Shape{}}));
    EXPECT_EQ(model.signature.outputs.at(0), (TensorSpec{"y", DataType::boolean, Shape{1}}));
}

TEST(Config, TakesPathsFromTheFolderOfTheFile) {
    const Config config =
        config_of("[server]\nrunner_dir = \"../bin\"\nstate_dir = \"/state\"\n" + kMinimal);

    EXPECT_EQ(config.models.at(0).path, "/etc/bunchd/m.onnx");
    EXPECT_EQ(config.server.runner_dir, "/etc/bin");
    EXPECT_EQ(config.server.state_dir, "/state");
}

const std::string kTwoDevices = R"([[device]]
name = "fpga0"
backend = "xrt"
[[device]]
name = "cpu0"
backend = "cpu"
[[model]]
name = "m"
path = "m.toml"
)";

TEST(Config, LetsTheDevicesOfATwinRunTheModelBesideItsOwn) {
    const ModelSpec model = config_of(kTwoDevices +
                                      "devices = [\"fpga0\"]\n"
                                      "twin = {devices = [\"cpu0\"], max_deviation = 0.02}\n")
                                .models.at(0);

    EXPECT_THAT(model.devices, ElementsAre("fpga0", "cpu0"));
    ASSERT_TRUE(model.twin);
    EXPECT_THAT(model.twin->devices, ElementsAre("cpu0"));
    EXPECT_EQ(model.twin->max_deviation, 0.02);
}

TEST(Config, SaysWhatIsWrongWithATwin) {
    const auto problem = [](const std::string& lines) {
        return testing::PrintToString(problems_of(kTwoDevices + lines));
    };

    EXPECT_THAT(problem("twin = 3"), HasSubstr("b.toml:10: twin = 3 is of the wrong type"));
    EXPECT_THAT(problem("twin = {devices = [\"cpu0\"]}"), HasSubstr("twin has no max_deviation"));
    EXPECT_THAT(problem("twin = {devices = [\"gpu0\"], max_deviation = 1}"),
                HasSubstr("gpu0\\\" is no [[device]]"));
    EXPECT_THAT(problem("twin = {devices = [\"cpu0\"], max_deviation = -1}"),
                HasSubstr("out of range"));
    EXPECT_THAT(problem("devices = [\"cpu0\"]\n"
                        "twin = {devices = [\"cpu0\"], max_deviation = 1}"),
                HasSubstr("to run the model and its twin"));
}

class TwinFiles : public testing::Test {
  protected:
    void SetUp() override { std::filesystem::create_directories(folder_); }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    void write(const std::string& name, const std::string& text) const {
        std::ofstream(folder_ / name) << text;
    }

    ConfigResult load(const std::string& accepted) const {
        write("b.toml", kTwoDevices +
                            "devices = [\"fpga0\"]\ntwin = {devices = [\"cpu0\"], "
                            "max_deviation = " +
                            accepted + "}\n");
        return load_config((folder_ / "b.toml").string());
    }

    std::string problem(const std::string& accepted) const {
        const ConfigResult result = load(accepted);
        const auto* problems = std::get_if<ConfigProblems>(&result);
        return problems == nullptr ? "none" : testing::PrintToString(*problems);
    }

    const std::filesystem::path folder_ =
        std::filesystem::temp_directory_path() / ("bunch-twin-" + std::to_string(::getpid()));
};

TEST_F(TwinFiles, AreThoseThatTheManifestNamesIfItsDeviationIsAccepted) {
    write("m.toml", "[twin]\npath = \"m.onnx\"\nmax_deviation = 0.01\n");
    write("m.onnx", "onnx");

    const ConfigResult result = load("0.01");

    ASSERT_TRUE(std::holds_alternative<Config>(result)) << problem("0.01");
    EXPECT_EQ(std::get<Config>(result).models.at(0).twin->path, (folder_ / "m.onnx").string());
    EXPECT_THAT(problem("0.009"), HasSubstr("above what is accepted"));
    std::filesystem::remove(folder_ / "m.onnx");
    EXPECT_THAT(problem("0.01"), HasSubstr("does not exist"));
}

TEST_F(TwinFiles, AreRefusedIfTheManifestWasWrittenForAnother) {
    const std::string stated = "[twin]\npath = \"m.onnx\"\nmax_deviation = 0\nhash = ";
    write("m.onnx", "a");

    write("m.toml", stated + "\"af63dc4c8601ec8c\"\n");
    EXPECT_EQ(problem("0"), "none");
    write("m.toml", stated + "\"af63dc4c8601ec8d\"\n");
    EXPECT_THAT(problem("0"), HasSubstr("its hash is af63dc4c8601ec8c, not af63dc4c8601ec8d"));
}

TEST_F(TwinFiles, AreRefusedForAModelThatStatesNone) {
    for (const char* text : {"not TOML", "", "[twin]\npath = 3\nmax_deviation = 1\n",
                             "[twin]\npath = \"m.onnx\"\nmax_deviation = \"much\"\n", "twin = 3\n",
                             "[twin]\npath = \"m.onnx\"\nmax_deviation = -1\n"}) {
        write("m.toml", text);
        EXPECT_THAT(problem("1"), HasSubstr("states no twin")) << text;
    }
}

TEST(Config, LetsAModelRunOnAllDevicesUnlessItNamesSome) {
    const std::string second = "[[device]]\nname = \"cpu1\"\nbackend = \"cpu\"\n";

    EXPECT_THAT(config_of(second + kMinimal).models.at(0).devices, ElementsAre("cpu1", "cpu0"));
    EXPECT_THAT(config_of(second + kMinimal + "devices = [\"cpu1\"]\n").models.at(0).devices,
                ElementsAre("cpu1"));
}

TEST(Config, FindsAllProblemsAtOnceInTheOrderOfTheFile) {
    EXPECT_THAT(
        problems_of(R"([server]
drain_timeout = "5"
http_adress = "127.0.0.1:1"
[limits]
max_clients = "many"
max_frames_per_message = 1
[[device]]
name = "cpu0"
backend = "cpu"
[[device]]
name = "cpu0"
backend = "c p u"
[[model]]
name = "m"
path = "m.onnx"
devices = ["gpu0"]
)"),
        ElementsAre(
            R"(b.toml:2: drain_timeout = "5" has no unit (write "5us", "5ms" or "5s"))",
            R"(b.toml:3: http_adress is not a known key (did you mean http_address?))",
            R"(b.toml:5: max_clients = "many" is of the wrong type (write a whole number without quotes))",
            R"(b.toml:6: max_frames_per_message = 1 is out of range (2 to 4096))",
            R"(b.toml:11: name = "cpu0" is the name of two devices (rename one))",
            R"(b.toml:12: backend = "c p u" is not a name (use letters, digits, '_', '-' and '.', and begin with another than '.'))",
            R"(b.toml:16: devices = "gpu0" is no [[device]] of this file (there are: cpu0, cpu0))"));
}

struct Mistake {
    const char* lines;    ///< put before the minimal file
    const char* problem;  ///< the only one
};

void PrintTo(const Mistake& mistake, std::ostream* out) {
    *out << mistake.problem;
}

class ConfigMistake : public testing::TestWithParam<Mistake> {};

TEST_P(ConfigMistake, IsReportedWithItsLineAndRemedy) {
    const std::string text = std::string(GetParam().lines) + '\n' + kMinimal;

    EXPECT_THAT(problems_of(text), ElementsAre(GetParam().problem));
}

INSTANTIATE_TEST_SUITE_P(
    Server, ConfigMistake,
    testing::Values(
        Mistake{"[server]\nname = \"\"", R"(b.toml:2: name = "" is empty (write a name))"},
        Mistake{"[server]\nname = 7",
                R"(b.toml:2: name = 7 is of the wrong type (write a name in quotes))"},
        Mistake{"[server]\ndata_endpoints = []",
                R"(b.toml:2: data_endpoints = [] is empty (name at least one))"},
        Mistake{
            "[server]\ndata_endpoints = \"ipc://x\"",
            R"(b.toml:2: data_endpoints = "ipc://x" is of the wrong type (write a list of texts: ["..."]))"},
        Mistake{"[server]\ndata_endpoints = [\n\"ipc://a\",\n\"ipc://a\"]",
                R"(b.toml:4: data_endpoints = "ipc://a" is there twice (once is enough))"},
        Mistake{
            "[server]\ndata_endpoints = [\"udp://a\"]",
            R"(b.toml:2: data_endpoints = "udp://a" is no endpoint (write "ipc:///run/bunchd/data.sock" or "tcp://127.0.0.1:9000"))"},
        Mistake{
            "[server]\ndata_endpoints = [\"tcp://0.0.0.0:9000\"]",
            R"(b.toml:2: data_endpoints = "tcp://0.0.0.0:9000" can be reached from other machines (use a loopback address, or allow_remote = true))"},
        Mistake{
            "[server]\ndata_endpoints = [\"tcp://127.0.0.1\"]",
            R"(b.toml:2: data_endpoints = "tcp://127.0.0.1" is no address (write "127.0.0.1:9000" or "[::1]:9000"))"},
        Mistake{
            "[server]\ncontrol_endpoints = [\"ipc:///run/bunchd/data.sock\"]",
            R"(b.toml:2: control_endpoints = "ipc:///run/bunchd/data.sock" is a data endpoint, too (write another))"},
        Mistake{
            "[server]\nhttp_address = \"127.0.0.1:99999\"",
            R"(b.toml:2: http_address = "127.0.0.1:99999" has no port (write a number from 0 to 65535 after the ':'))"},
        Mistake{
            "[server]\nhttp_address = \"127.evil.org:80\"",
            R"(b.toml:2: http_address = "127.evil.org:80" can be reached from other machines (use a loopback address, or allow_remote = true))"},
        Mistake{"[server]\nallow_remote = \"yes\"",
                R"(b.toml:2: allow_remote = "yes" is of the wrong type (write true or false))"},
        Mistake{"[server]\nrunner_dir = \"\"",
                R"(b.toml:2: runner_dir = "" is empty (write a path, or leave the key out))"},
        Mistake{
            "[server]\nrunner_dir = \"a\\u0000b\"",
            R"(b.toml:2: runner_dir = "a\x00b" contains a zero byte (write printable characters))"},
        Mistake{"[server]\ndrain_timeout = 5",
                R"(b.toml:2: drain_timeout = 5 has no unit (write "5us", "5ms" or "5s"))"},
        Mistake{"[server]\ndrain_timeout = \"25h\"",
                R"(b.toml:2: drain_timeout = "25h" is out of range (1us to 24h))"},
        Mistake{"server = 3",
                R"(b.toml:1: server = 3 is of the wrong type (write a section: [server]))"},
        Mistake{"[srever]", R"(b.toml:1: srever is not a known key (did you mean server?))"},
        Mistake{
            "[frobnication]",
            R"(b.toml:1: frobnication is not a known key (known here: server, limits, log, restart, scheduler, trace, tenant, device, model))"}));

INSTANTIATE_TEST_SUITE_P(
    OtherSections, ConfigMistake,
    testing::Values(
        Mistake{
            "[limits]\nmax_open_bytes = \"3 apples\"",
            R"(b.toml:2: max_open_bytes = "3 apples" has the unknown unit " apples" (units are B, KiB, MiB, GiB and TiB))"},
        Mistake{"[limits]\nmax_open_calls = -1",
                R"(b.toml:2: max_open_calls = -1 is out of range (1 to 16777216))"},
        Mistake{
            "[limits]\nmax_open_calls = 1.5",
            R"(b.toml:2: max_open_calls = 1.5 is of the wrong type (write a whole number without quotes))"},
        Mistake{
            "[limits]\nmax_frame_bytes = \"1GiB\"",
            R"(b.toml:2: max_frame_bytes is above max_message_bytes (raise max_message_bytes or lower max_frame_bytes))"},
        Mistake{
            "[limits]\nmax_open_bytes = \"1MiB\"",
            R"(b.toml:2: max_message_bytes is above max_open_bytes (raise max_open_bytes or lower max_message_bytes))"},
        Mistake{
            "[log]\nlevel = \"loud\"",
            R"(b.toml:2: level = "loud" is unknown (write "debug", "info", "warn" or "error"))"},
        Mistake{"[restart]\ninitial_pause = \"1m\"",
                R"(b.toml:2: [restart] has initial_pause above max_pause (swap them))"},
        Mistake{"[trace]\nevents = 100",
                R"(b.toml:2: events = 100 is too few (write 0 for none, or at least 16384))"},
        Mistake{"[trace]\nevents = 100000000",
                R"(b.toml:2: events = 100000000 is out of range (0 to 16777216))"},
        Mistake{"[[device]]\nbackend = \"cpu\"",
                R"(b.toml:1: this [[device]] has no name (write name = "cpu0"))"},
        Mistake{"[[device]]\nname = \"cpu1\"",
                R"(b.toml:1: this [[device]] has no backend (write backend = "cpu"))"},
        Mistake{
            "[[device]]\nname = \"cpu1\"\nbackend = \"../sh\"",
            R"(b.toml:3: backend = "../sh" is not a name (use letters, digits, '_', '-' and '.', and begin with another than '.'))"},
        Mistake{"[[device]]\nname = \"cpu1\"\nbackend = \"cpu\"\noptions = {a = [1]}",
                R"(b.toml:4: a = a list is of the wrong type (write a text, a number or true))"}));

INSTANTIATE_TEST_SUITE_P(
    Models, ConfigMistake,
    testing::Values(
        Mistake{"[[model]]\npath = \"a\"",
                R"(b.toml:1: this [[model]] has no name (write name = "mine"))"},
        Mistake{
            "[[model]]\nname = \"n\"",
            R"(b.toml:1: this [[model]] has no path (write path = "model.onnx", or inputs and outputs for a device that needs no file))"},
        Mistake{
            "[[model]]\nname = \"../n\"\npath = \"a\"",
            R"(b.toml:2: name = "../n" is not a name (use letters, digits, '_', '-' and '.', and begin with another than '.'))"},
        Mistake{
            "[[model]]\nname = \"n\"\npath = \"a\"\n[[model]]\nname = \"n\"\npath = \"b\"",
            R"(b.toml:5: name = "n" is there twice with version "1" (give each its own version))"},
        Mistake{"[[model]]\nname = \"n\"\npath = \"a\"\ndevices = []",
                R"(b.toml:4: devices = [] is empty (name at least one))"},
        Mistake{"[[model]]\nname = \"n\"\npath = \"a\"\nprecision = \"f16\"",
                R"(b.toml:4: precision = "f16" is unknown (write "f32", "bf16" or "int8"))"},
        Mistake{
            "[[model]]\nname = \"n\"\npath = \"a\"\nmax_rows_per_request = 100000",
            R"(b.toml:4: max_rows_per_request is above max_queued_rows, so the largest requests could never be queued (raise max_queued_rows or lower max_rows_per_request))"},
        Mistake{
            "[[model]]\nname = \"n\"\npath = \"a\"\ninputs = [{name = \"x\", type = \"FP32\"}]",
            R"(b.toml:4: a tensor of inputs has no shape (write a list of tables: [{name = "x", type = "FP32", shape = [-1, 16]}]))"},
        Mistake{
            "[[model]]\nname = \"n\"\npath = \"a\"\ninputs = [{name = \"x\", type = \"FP32\", "
            "shape = [8]}]",
            R"(b.toml:4: inputs: the tensor "x" does not begin with the rows (write shape = [-1, ...], or batched = false))"},
        Mistake{
            "[[model]]\nname = \"n\"\npath = \"a\"\ninputs = [{name = \"x\", type = \"float\", "
            "shape = [-1]}]",
            R"(b.toml:4: type = "float" is unknown (write "FP32", "FP16", "INT64", "UINT8" and so on))"}));

TEST(Config, SaysWhatIsMissingFromAnEmptyFile) {
    EXPECT_THAT(problems_of(""), ElementsAre(HasSubstr("there is no [[device]]"),
                                             HasSubstr("there is no [[model]]")));
}

TEST(Config, ReportsABrokenFileWithItsLine) {
    EXPECT_THAT(problems_of("[server]\nname = \n"), ElementsAre(HasSubstr("b.toml:2: ")));
    EXPECT_THAT(problems_of("[server]\nname = \"a\"\nname = \"b\"\n"),
                ElementsAre(HasSubstr("b.toml:3: ")));
}

TEST(Config, KeepsEveryProblemOnOneLineWhateverTheFileContains) {
    const ConfigProblems problems = problems_of(
        "\"a\\nb\" = 1\n[server]\nname = \"x\\ny\\u001b[2J\"\ndrain_timeout = \"1\\n\"\n"
        "[log]\nlevel = \"\\n\"\n[[model]]\nname = \"n\"\ndevices = [\"\\n\"]\n");

    EXPECT_THAT(problems, Not(IsEmpty()));
    for (const std::string& problem : problems)
        EXPECT_EQ(problem.find_first_of("\n\r\x1b"), std::string::npos) << problem;
}

class ConfigFile : public testing::Test {
  protected:
    void SetUp() override { std::filesystem::create_directories(folder_); }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    std::string write(const std::string& name, const std::string& text) {
        std::ofstream(folder_ / name) << text;
        return folder_ / name;
    }

    const std::filesystem::path folder_ =
        testing::TempDir() + "config_test_" + std::to_string(getpid());
};

TEST_F(ConfigFile, IsUsableOnceTheModelsThatItNamesExist) {
    const std::string path = write("b.toml", kMinimal);

    const ConfigResult before = load_config(path);
    const std::string model = write("m.onnx", "");
    const ConfigResult after = load_config(path);

    ASSERT_TRUE(std::holds_alternative<ConfigProblems>(before));
    EXPECT_THAT(
        std::get<ConfigProblems>(before),
        ElementsAre(path + ":6: path = \"m.onnx\" does not exist (looked for " + model + ")"));
    EXPECT_TRUE(std::holds_alternative<Config>(after));
}

TEST_F(ConfigFile, IsRefusedIfAModelsPathIsAFolder) {
    const std::string path = write("b.toml", kMinimal);
    std::filesystem::create_directory(folder_ / "m.onnx");

    const ConfigResult result = load_config(path);

    ASSERT_TRUE(std::holds_alternative<ConfigProblems>(result));
    EXPECT_THAT(
        std::get<ConfigProblems>(result),
        ElementsAre(path + ":6: path = \"m.onnx\" is a folder (name the model's file in it)"));
}

TEST_F(ConfigFile, IsRefusedIfItCannotBeReadOrIsNoConfiguration) {
    const auto first_problem = [](const std::string& path) {
        const ConfigResult result = load_config(path);
        return std::holds_alternative<Config>(result) ? "" : std::get<ConfigProblems>(result)[0];
    };

    EXPECT_THAT(first_problem(folder_ / "none.toml"), HasSubstr("none.toml: cannot be read"));
    EXPECT_THAT(first_problem(folder_), HasSubstr("is a folder"));
    EXPECT_THAT(first_problem(write("big.toml", std::string(2 << 20, '#'))),
                HasSubstr("is larger than 1 MiB"));
}

}  // namespace
}  // namespace bunch
