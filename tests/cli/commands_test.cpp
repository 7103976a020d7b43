#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/run.h"
#include "npy/npy.h"
#include "tests/cli/fake_daemon.h"

namespace bunch {
namespace {

using nlohmann::json;
using testing::HasSubstr;

struct Ran {
    int code = -1;
    std::string out;
    std::string error;
};

Ran bunch_with(std::vector<std::string> arguments) {
    std::vector<const char*> argv = {"bunch"};
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    std::ostringstream out;
    std::ostringstream error;
    Ran ran;
    ran.code = run(static_cast<int>(argv.size()), argv.data(), {out, error});
    ran.out = out.str();
    ran.error = error.str();
    return ran;
}

TEST(Commands, ExplainThemselves) {
    EXPECT_EQ(bunch_with({"--help"}).code, 0);
    EXPECT_EQ(bunch_with({"--version"}).code, 0);
    for (const char* command : {"status", "models", "infer", "bench", "trace", "zoo"}) {
        const Ran ran = bunch_with({command, "--help"});
        EXPECT_EQ(ran.code, 0);
        EXPECT_THAT(ran.out, HasSubstr("--help"));
        EXPECT_THAT(bunch_with({"--help"}).out, HasSubstr(command));
    }
}

TEST(Commands, ReturnTwoWhenUsedWrongly) {
    EXPECT_EQ(bunch_with({}).code, 2);
    EXPECT_EQ(bunch_with({"fly"}).code, 2);
    EXPECT_THAT(bunch_with({"fly"}).error, HasSubstr("'fly' is not known here"));
    EXPECT_EQ(bunch_with({"bench"}).code, 2);
    EXPECT_EQ(bunch_with({"bench", "m", "--processes", "0"}).code, 2);
    EXPECT_EQ(bunch_with({"bench", "m", "--duration", "1", "--requests", "5"}).code, 2);
    EXPECT_EQ(bunch_with({"zoo"}).code, 2);
    const Ran ran = bunch_with({"infer", "m", "--input", "x"});
    EXPECT_EQ(ran.code, 2);
    EXPECT_THAT(ran.error, HasSubstr("'x' is not of the form name=file.npy"));
}

TEST(Commands, ReturnOneAndSayWhyWhenNobodyAnswers) {
    TemporaryFolder folder;
    const Ran ran = bunch_with({"status", "--endpoint", folder.endpoint(), "--timeout", "0.01"});
    EXPECT_EQ(ran.code, 1);
    EXPECT_EQ(ran.out, "");
    EXPECT_THAT(ran.error, HasSubstr("unavailable: no answer from the control endpoint"));

    EXPECT_THAT(ran.error, HasSubstr("within 0.01 s"));

    const std::string file = folder.file("x.npy");
    const std::byte number[4] = {};
    ASSERT_TRUE(write_npy(file, {DataType::f32, Shape{1}, number}).ok());
    EXPECT_THAT(bunch_with({"infer", "m", "--input", "x=" + file, "--endpoint", folder.endpoint(),
                            "--timeout", "0.01"})
                    .error,
                HasSubstr("there is no connection to " + folder.endpoint()));
    EXPECT_THAT(bunch_with({"status", "--endpoint", "/data.sock"}).error,
                HasSubstr("'/control.sock': Invalid argument (use ipc://"));
    EXPECT_THAT(bunch_with({"status", "--endpoint", "tcp://127.0.0.1:1"}).error,
                HasSubstr("give it with --control"));
}

TEST(Commands, ShowTheStatus) {
    TemporaryFolder folder;
    const FakeDaemon daemon(folder);

    const json object =
        json::parse(bunch_with({"status", "--json", "--endpoint", folder.endpoint()}).out);
    const Ran text = bunch_with({"status", "--endpoint", folder.endpoint()});

    EXPECT_EQ(object["name"], "fake");
    EXPECT_EQ(object["ready"], true);
    EXPECT_EQ(object["devices"][0]["name"], "dev0");
    EXPECT_EQ(object["models"][0]["name"], "echo");
    EXPECT_EQ(text.code, 0);
    EXPECT_THAT(text.out, HasSubstr("DEVICE"));
    EXPECT_THAT(text.out, HasSubstr("dev0"));
}

TEST(Commands, ListTheModels) {
    TemporaryFolder folder;
    const FakeDaemon daemon(folder);

    const json list =
        json::parse(bunch_with({"models", "--json", "--endpoint", folder.endpoint()}).out);
    const Ran text = bunch_with({"models", "--endpoint", folder.endpoint()});

    ASSERT_EQ(list.size(), 2u);
    EXPECT_EQ(list[0]["name"], "echo");
    EXPECT_EQ(list[0]["inputs"][0]["shape"], json({-1, 2}));
    EXPECT_EQ(list[1]["state"], "LOADING");
    EXPECT_THAT(text.out, HasSubstr("x FP32[-1,2]"));
    EXPECT_THAT(text.out, HasSubstr("reading weights"));
}

TEST(Commands, InferFromFilesToFiles) {
    TemporaryFolder folder;
    const FakeDaemon daemon(folder);
    const std::vector<float> values = {1, 2, 3, 4};
    const Tensor input{DataType::f32, Shape{2, 2},
                       Buffer::copy_of(std::as_bytes(std::span<const float>(values)))};
    ASSERT_TRUE(write_npy(folder.file("in.npy"), input.view()).ok());

    const Ran ran =
        bunch_with({"infer", "echo", "--input", "x=" + folder.file("in.npy"), "--output-dir",
                    folder.file("results/today"), "--json", "--endpoint", folder.endpoint()});

    ASSERT_EQ(ran.code, 0) << ran.error;
    const json object = json::parse(ran.out);
    EXPECT_EQ(object["outputs"][0]["shape"], json({2, 2}));
    const auto output = read_npy(object["outputs"][0]["file"]);
    ASSERT_TRUE(output.ok());
    EXPECT_TRUE(std::ranges::equal(std::as_const(output->buffer).bytes(), input.view().bytes));
}

TEST(Commands, InferAndBenchOnTheAccountOfATenant) {
    TemporaryFolder folder;
    const FakeDaemon daemon(folder);
    const std::string file = folder.file("in.npy");
    const std::byte numbers[8] = {};
    ASSERT_TRUE(write_npy(file, {DataType::f32, Shape{1, 2}, numbers}).ok());
    const auto with = [&](std::vector<std::string> arguments) {
        for (const char* more : {"--tenant", "poor", "--endpoint"}) arguments.push_back(more);
        arguments.push_back(folder.endpoint());
        return bunch_with(arguments);
    };

    EXPECT_THAT(with({"infer", "echo", "--input", "x=" + file}).error,
                HasSubstr("the quota of 'poor' is used up"));
    EXPECT_THAT(with({"bench", "echo", "--requests", "1"}).error,
                HasSubstr("the quota of 'poor' is used up"));
}

TEST(Commands, InferSaysWhichFileIsWrong) {
    const Ran ran = bunch_with({"infer", "echo", "--input", "x=/no/such.npy"});
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.error, HasSubstr("cannot read /no/such.npy"));
}

TEST(Commands, ModelSaysWhereItLookedForARunner) {
    const Ran ran =
        bunch_with({"model", "--runner-dir", "/nowhere", "inspect", "x.onnx", "--json"});

    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.error, HasSubstr("cannot start /nowhere/bunch-runner-cpu: No such file"));
    EXPECT_THAT(ran.error, HasSubstr("--runner-dir"));
}

TEST(Commands, ListAndWriteTheZoo) {
    TemporaryFolder folder;
    const std::string file = folder.file("muon.onnx");
    EXPECT_THAT(bunch_with({"zoo", "list"}).out, HasSubstr("resnet50"));
    EXPECT_EQ(json::parse(bunch_with({"zoo", "list", "--json"}).out)[0]["name"], "resnet50");

    EXPECT_EQ(bunch_with({"zoo", "write", "muon", file, "--seed", "4"}).code, 0);
    EXPECT_GT(std::filesystem::file_size(file), 1000u);
    EXPECT_EQ(bunch_with({"zoo", "write", "unicorn", file}).code, 1);
}

TEST(Commands, ZooWritesAnFpgaModelAndTellsItsDeviation) {
    TemporaryFolder folder;
    const std::string to = folder.file("muon");

    const Ran ran = bunch_with({"zoo", "fpga", "muon_fpga", to, "--units", "2", "--json"});

    ASSERT_EQ(ran.code, 0) << ran.error;
    const json result = json::parse(ran.out);
    EXPECT_EQ(result["manifest"], to + "/muon_fpga.toml");
    EXPECT_GT(result["deviation_largest"], 0.0);
    EXPECT_LT(result["deviation_largest"], result["max_deviation"]);
    EXPECT_THAT(bunch_with({"zoo", "fpga", "muon_fpga", to}).out, HasSubstr("largest difference"));
    EXPECT_THAT(bunch_with({"zoo", "list"}).out, HasSubstr("muon_fpga"));
    EXPECT_EQ(bunch_with({"zoo", "fpga", "unicorn", to}).code, 1);
}

TEST(Commands, BenchPrintsTheKeysThatScriptsRelyOn) {
    TemporaryFolder folder;
    const FakeDaemon daemon(folder);

    const Ran ran = bunch_with({"bench", "echo", "--endpoint", folder.endpoint(), "--processes",
                                "2", "--concurrency", "3", "--rows", "4", "--requests", "40",
                                "--warmup", "0.01", "--check", "--json"});

    ASSERT_EQ(ran.code, 0) << ran.error;
    const json object = json::parse(ran.out);
    std::vector<std::string> keys;
    for (const auto& [key, value] : object.items()) keys.push_back(key);
    EXPECT_THAT(keys, testing::UnorderedElementsAre(
                          "requests_per_second", "rows_per_second", "latency_seconds", "errors",
                          "mismatches", "mean_batch_rows", "duty_cycle", "useful_duty"));
    EXPECT_GT(object["requests_per_second"], 0);
    EXPECT_NEAR(object["rows_per_second"], 4 * object["requests_per_second"].get<double>(), 1);
    EXPECT_LE(object["latency_seconds"]["p50"], object["latency_seconds"]["max"]);
    EXPECT_EQ(object["errors"], 0);
    EXPECT_EQ(object["mismatches"], 0);
    EXPECT_DOUBLE_EQ(object["mean_batch_rows"], 4);
    EXPECT_DOUBLE_EQ(object["duty_cycle"], 0.5);
    EXPECT_DOUBLE_EQ(object["useful_duty"], 0.25);
}

TEST(Commands, BenchCountsErrorsAndWrongAnswers) {
    TemporaryFolder folder;
    const FakeDaemon daemon(folder, true);

    const Ran ran = bunch_with({"bench", "echo", "--endpoint", folder.endpoint(), "--concurrency",
                                "4", "--requests", "200", "--warmup", "0", "--check"});

    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.error, HasSubstr("answers were wrong"));
    EXPECT_THAT(ran.out, HasSubstr("resource_exhausted"));
}

TEST(Commands, BenchFailsWithoutTheModel) {
    TemporaryFolder folder;
    const FakeDaemon daemon(folder);
    const Ran ran = bunch_with({"bench", "unicorn", "--endpoint", folder.endpoint()});
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.error, HasSubstr("not_found: Request for unknown model 'unicorn'"));
}

}  // namespace
}  // namespace bunch
