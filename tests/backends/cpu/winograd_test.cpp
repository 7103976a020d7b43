// 3x3 convolutions in every way that they can be computed, what timing does to the choice, and how
// the choice is kept.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "backends/cpu/conv_timing.h"
#include "backends/cpu/cpu_model.h"
#include "backends/cpu/plan_cache.h"
#include "backends/cpu/threads.h"
#include "backends/cpu/winograd.h"
#include "tests/backends/cpu/compare.h"
#include "tests/backends/graph/network_maker.h"

namespace bunch::test_network {
namespace {

using cpu::ConvAlgorithm;
using cpu::ConvChoices;
using cpu::PlanCache;
using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

namespace fs = std::filesystem;

class TemporaryFolder {
  public:
    TemporaryFolder()
        : path_(fs::path(testing::TempDir()) / ("bunch-winograd-" + std::to_string(::getpid()))) {
        fs::create_directories(path_);
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    const fs::path& path() const { return path_; }

  private:
    fs::path path_;
};

// Every convolution of `network` computed by `algorithm` for up to `rows` rows.
ConvChoices all_by(const Network& network, ConvAlgorithm algorithm, std::int64_t rows) {
    const Result<Graph> graph = graph_of(network, true);
    ConvChoices choices;
    for (const Node& node : graph->nodes)
        if (std::holds_alternative<Conv>(node.op))
            for (std::int64_t n = 1; n <= rows; ++n)
                choices[cpu::conv_key(*graph, node, n)] = algorithm;
    return choices;
}

Network random_convolution(unsigned seed) {
    NetworkMaker maker(seed);
    const std::int64_t channels = 16 * maker.between(1, 5), outputs = 16 * maker.between(1, 9);
    const std::string x = maker.input({-1, channels, maker.between(3, 19), maker.between(3, 19)});
    const Extents pads{maker.between(0, 2), maker.between(0, 2), maker.between(0, 2),
                       maker.between(0, 2)};
    const double spread = 1 / std::sqrt(9 * static_cast<double>(channels));
    std::vector<std::string> inputs = {x, maker.constant({outputs, channels, 3, 3}, spread)};
    if (maker.between(0, 1) == 0) inputs.push_back(maker.constant({outputs}));
    std::string y = maker.add("Conv", inputs, {{"pads", pads}});
    const std::string activations[] = {"Relu", "LeakyRelu", "Identity", "Tanh"};
    y = maker.add(activations[maker.between(0, 3)], {y});
    // A residual that the second convolution adds to, and may write over.
    std::string z = maker.convolution(y, outputs, outputs, 3);
    if (maker.between(0, 1) == 0) z = maker.add("Add", {z, y});
    maker.output(maker.add("Relu", {z}));
    return maker.network;
}

class EveryAlgorithm : public testing::TestWithParam<unsigned> {};

TEST_P(EveryAlgorithm, ComputesWhatTheReferenceDoes) {
    const Network network = random_convolution(GetParam());
    for (const ConvAlgorithm algorithm :
         {ConvAlgorithm::direct, ConvAlgorithm::onednn_winograd, ConvAlgorithm::own_winograd}) {
        SCOPED_TRACE(std::string(name_of(algorithm)));
        const ConvChoices choices = all_by(network, algorithm, 4);
        CompareOptions options;
        options.program.planner.choices = &choices;

        expect_reference(network, GetParam(), options);
    }
}

INSTANTIATE_TEST_SUITE_P(Winograd, EveryAlgorithm, testing::Range(1U, 13U));

Network two_convolutions() {
    NetworkMaker maker(5);
    const std::string x = maker.convolution(maker.input({-1, 16, 12, 12}), 16, 16, 3);
    maker.output(maker.convolution(maker.add("Relu", {x}), 16, 32, 3));
    return maker.network;
}

TEST(ConvTiming, ChoosesOnceForEveryKindOfConvolutionAndKeepsWhatIsChosen) {
    const Result<Graph> graph = graph_of(two_convolutions(), true);
    const std::string first = cpu::conv_key(*graph, graph->nodes[0], 2),
                      second = cpu::conv_key(*graph, graph->nodes[1], 2);
    ConvChoices choices = {{first, ConvAlgorithm::onednn_winograd}};

    cpu::use_one_thread();
    const Status status = cpu::time_convolutions(*graph, 2, choices);

    ASSERT_TRUE(status.ok()) << status.to_string();
    ASSERT_EQ(choices.size(), 2);
    EXPECT_EQ(choices.at(first), ConvAlgorithm::onednn_winograd);
    EXPECT_TRUE(choices.contains(second));
}

TEST(ConvTiming, LeavesOtherConvolutionsAlone) {
    NetworkMaker maker(6);
    maker.output(maker.convolution(maker.input({-1, 16, 12, 12}), 16, 16, 5));
    const Result<Graph> graph = graph_of(maker.network, true);
    ConvChoices choices;

    const Status status = cpu::time_convolutions(*graph, 1, choices);

    EXPECT_TRUE(status.ok()) << status.to_string();
    EXPECT_TRUE(choices.empty());
}

TEST(PlanCache, GivesBackWhatWasStoredForTheSameModelOnly) {
    const TemporaryFolder folder;
    std::ofstream(folder.path() / "a.onnx") << "one";
    std::ofstream(folder.path() / "b.onnx") << "two";
    const auto a = PlanCache::open(folder.path() / "plans", folder.path() / "a.onnx");
    const auto b = PlanCache::open(folder.path() / "plans", folder.path() / "b.onnx");
    ASSERT_TRUE(a.ok() && b.ok());

    ASSERT_TRUE(a->store({{"x", ConvAlgorithm::direct}, {"y", ConvAlgorithm::own_winograd}}).ok());

    EXPECT_THAT(a->load(), UnorderedElementsAre(Pair("x", ConvAlgorithm::direct),
                                                Pair("y", ConvAlgorithm::own_winograd)));
    EXPECT_TRUE(b->load().empty());
}

TEST(PlanCache, NamesTheProcessorAndItsInstructionsAndLeavesOneFile) {
    const TemporaryFolder folder;
    std::ofstream(folder.path() / "a.onnx") << "one";
    const auto cache = PlanCache::open(folder.path() / "plans", folder.path() / "a.onnx");
    ASSERT_TRUE(cache.ok());

    ASSERT_TRUE(cache->store({{"x", ConvAlgorithm::direct}}).ok());
    ASSERT_TRUE(cache->store({{"x", ConvAlgorithm::own_winograd}}).ok());

    std::ifstream file(cache->file());
    std::string header;
    std::getline(file, header);
    EXPECT_THAT(header, HasSubstr(", instructions "));
    const std::filesystem::directory_iterator files(folder.path() / "plans");
    EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST(PlanCache, TakesADamagedFileForNone) {
    const TemporaryFolder folder;
    std::ofstream(folder.path() / "a.onnx") << "one";
    const auto cache = PlanCache::open(folder.path(), folder.path() / "a.onnx");
    ASSERT_TRUE(cache.ok());
    ASSERT_TRUE(cache->store({{"x", ConvAlgorithm::direct}}).ok());
    std::ifstream file(cache->file());
    const std::string whole((std::istreambuf_iterator<char>(file)), {});
    ASSERT_THAT(whole, HasSubstr("x direct\nend\n"));

    for (const std::string& text :
         {std::string(), std::string("another version\nx direct\nend\n"),
          whole.substr(0, whole.size() - 4), whole.substr(0, whole.size() - 11) + "x fast\nend\n",
          whole.substr(0, whole.size() - 4) + "nonsense\nend\n"}) {
        std::ofstream(cache->file(), std::ios::trunc) << text;
        EXPECT_TRUE(cache->load().empty()) << text;
    }
}

TEST(PlanCache, NamesAFolderThatCannotBeMade) {
    const TemporaryFolder folder;
    std::ofstream(folder.path() / "a.onnx") << "one";

    const auto cache =
        PlanCache::open(folder.path() / "a.onnx" / "plans", folder.path() / "a.onnx");

    ASSERT_FALSE(cache.ok());
    EXPECT_THAT(cache.status().message(), HasSubstr("plan_cache = '"));
}

TEST(PlanCache, IsFilledByTheFirstLoadOfAModelAndObeyedByTheNext) {
    const TemporaryFolder folder;
    const fs::path path = folder.path() / "model.onnx";
    std::ofstream(path, std::ios::binary) << onnx_bytes(two_convolutions());
    cpu::CpuModelOptions options;
    options.max_rows = 1;
    options.plan_cache = folder.path() / "plans";

    ASSERT_TRUE(cpu::CpuModel::load(path, options).ok());

    const auto cache = PlanCache::open(options.plan_cache, path);
    ConvChoices choices = cache->load();
    ASSERT_EQ(choices.size(), 2);
    for (auto& [key, algorithm] : choices) algorithm = ConvAlgorithm::direct;
    ASSERT_TRUE(cache->store(choices).ok());
    const auto again = cpu::CpuModel::load(path, options);
    ASSERT_TRUE(again.ok());
    EXPECT_EQ((*again)->program()->choices(), choices);
    for (const cpu::Step& step : (*again)->program()->plans()[0].steps)
        EXPECT_THAT(description_of(step), testing::Not(HasSubstr("wino")));
}

TEST(PlanCache, ThatCannotBeUsedDoesNotStopAModel) {
    const TemporaryFolder folder;
    const fs::path path = folder.path() / "model.onnx";
    std::ofstream(path, std::ios::binary) << onnx_bytes(two_convolutions());
    cpu::CpuModelOptions options;
    options.plan_cache = path / "plans";

    EXPECT_TRUE(cpu::CpuModel::load(path, options).ok());
}

// Large images and small weights first, then the reverse.
Network narrowing_network() {
    NetworkMaker maker(8);
    std::string x = maker.input({-1, 3, 256, 256});
    x = maker.add("Relu", {maker.convolution(x, 3, 16, 3, 2)});
    x = maker.add("MaxPool", {maker.convolution(x, 16, 16, 1)},
                  {{"kernel_shape", Extents{8, 8}}, {"strides", Extents{8, 8}}});
    x = maker.add("Relu", {maker.convolution(x, 16, 32, 3)});
    x = maker.add("Flatten", {maker.add("GlobalAveragePool", {x})});
    maker.output(maker.dense(x, 32, 10));
    return maker.network;
}

TEST(Stages, RunTheEndOfANetworkOnMoreRowsThanItsBeginning) {
    const Network network = narrowing_network();
    const Result<Graph> graph = graph_of(network, true);

    const auto program = cpu::Program::prepare(*graph, 12);

    ASSERT_TRUE(program.ok()) << program.status().to_string();
    ASSERT_EQ((*program)->stages().size(), 2);
    const auto rows_of = [&](const cpu::Stage& stage) {
        return (*program)->plans()[stage.first].rows;
    };
    EXPECT_EQ(rows_of((*program)->stages()[0]), 2);
    EXPECT_EQ(rows_of((*program)->stages()[1]), 8);
    EXPECT_EQ((*program)->chunk_rows(), 8);
}

TEST(Stages, GiveTheResultsOfOne) {
    CompareOptions options;
    options.max_rows = 11;

    expect_reference(narrowing_network(), 8, options);
}

}  // namespace
}  // namespace bunch::test_network
