#include "backends/cpu/cpu_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "backends/cpu/accuracy.h"
#include "backends/cpu/cores.h"
#include "tests/backends/conformance.h"
#include "tests/backends/graph/network_maker.h"

namespace bunch::test {
namespace {

using test_network::Array;
using test_network::Arrays;
using test_network::Extents;
using test_network::Network;
using test_network::NetworkMaker;
using testing::HasSubstr;

/// A folder for model files that lives as long as the program. Tests may run in several processes
/// at once, so its name is the process's own.
std::string folder() {
    struct Folder {
        std::filesystem::path path =
            std::filesystem::path(testing::TempDir()) / ("bunch-cpu-" + std::to_string(::getpid()));
        Folder() { std::filesystem::create_directories(path); }
        ~Folder() {
            std::error_code ignored;
            std::filesystem::remove_all(path, ignored);
        }
    };
    static const Folder kept;
    return kept.path.string();
}

ModelSpec spec_of_file(const std::string& name, const std::string& bytes, std::uint32_t rows) {
    ModelSpec spec;
    spec.name = name;
    spec.path = folder() + "/" + name + ".onnx";
    spec.max_batch_rows = rows;
    std::ofstream(spec.path, std::ios::binary) << bytes;
    return spec;
}

Network small_cnn() {
    NetworkMaker maker(11);
    const std::string x = maker.input({-1, 3, 12, 10});
    std::string y = maker.add("Relu", {maker.batch_norm(maker.convolution(x, 3, 16, 3), 16)});
    y = maker.add("Relu", {maker.add("Add", {maker.convolution(y, 16, 16, 3), y})});
    maker.output(maker.dense(maker.add("Flatten", {maker.add("GlobalAveragePool", {y})}), 16, 5));
    return maker.network;
}

Network small_mlp() {
    NetworkMaker maker(12);
    std::string x = maker.input({-1, 5});
    for (std::int64_t width = 5; width < 8; ++width)
        x = maker.add("Relu", {maker.batch_norm(maker.dense(x, width, width + 1), width + 1)});
    maker.output(maker.dense(x, 8, 3));
    return maker.network;
}

void evaluate_views(const Network& network, std::span<const ConstTensorView> inputs,
                    std::span<const TensorView> outputs) {
    Arrays arrays;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const auto extents = inputs[i].shape.extents();
        const auto numbers = floats_of(inputs[i]);
        arrays[network.inputs[i].name] = {{extents.begin(), extents.end()},
                                          {numbers.begin(), numbers.end()}};
    }
    const Arrays results = evaluate(network, arrays);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        const auto& numbers = results.at(network.outputs[i]).numbers;
        const std::vector<float> rounded(numbers.begin(), numbers.end());
        std::memcpy(outputs[i].bytes.data(), rounded.data(), outputs[i].bytes.size());
    }
}

ConformanceSubject subject(const std::string& name, const Network& network,
                           const BackendOptions& options) {
    ConformanceSubject subject;
    subject.name = name;
    subject.make = make_cpu_backend;
    subject.options = options;
    subject.model = spec_of_file(name, onnx_bytes(network), 11);
    subject.reference = [network](auto inputs, auto outputs) {
        evaluate_views(network, inputs, outputs);
    };
    subject.tolerance = 2e-5;
    ModelSpec missing = subject.model;
    missing.path = folder() + "/missing.onnx";
    ModelSpec int8 = subject.model;
    int8.precision = Precision::int8;
    const std::string bytes = onnx_bytes(network);
    const ModelSpec cut = spec_of_file(name + "-cut", bytes.substr(0, bytes.size() / 2), 4);
    subject.unloadable = {{missing, "missing.onnx"}, {int8, "QuantizeLinear"}, {cut, "-cut.onnx"}};
    return subject;
}

INSTANTIATE_TEST_SUITE_P(
    Cpu, BackendConformance,
    testing::Values(subject("mlp", small_mlp(), {{"lanes", "2"}}),
                    subject("cnn", small_cnn(),
                            {{"lanes", "3"}, {"slots", "3"}, {"threads", "2"}})),
    name_of);

TEST(CpuBackend, OffersALaneForEveryCoreThatItMayUse) {
    const auto backend = make_cpu_backend({});

    ASSERT_TRUE(backend.ok()) << backend.status().to_string();
    EXPECT_EQ(backend.value()->device().device_class, "cpu");
    EXPECT_GE(backend.value()->device().lanes, 1U);
    EXPECT_EQ(backend.value()->device().slots_per_lane, 2U);
}

TEST(CpuBackend, RefusesAModelWhoseReducedPrecisionIsTooFarOff) {
    if (!cpu::check_precision(Precision::bf16).ok()) GTEST_SKIP() << "this processor has no bf16";
    ModelSpec spec = spec_of_file("bf16", onnx_bytes(small_cnn()), 4);
    spec.precision = Precision::bf16;
    const auto load = [&](const BackendOptions& options) {
        return (*make_cpu_backend(options))->load(ModelId{1}, spec).status();
    };

    EXPECT_TRUE(load({{"max_deviation", "0.05"}}).ok());
    EXPECT_THAT(load({{"max_deviation", "0.000001"}}).message(),
                HasSubstr("in bf16 its outputs differ from those in f32 by"));
    EXPECT_THAT(make_cpu_backend({{"max_deviation", "2"}}).status().message(),
                HasSubstr("is no number from 0 to 1"));
}

TEST(CpuBackend, RefusesReducedPrecisionForAModelWithoutAPlan) {
    if (!cpu::check_precision(Precision::bf16).ok()) GTEST_SKIP() << "this processor has no bf16";
    NetworkMaker maker(1);
    maker.output(maker.add("Erf", {maker.input({-1, 4})}));
    ModelSpec spec = spec_of_file("erf", onnx_bytes(maker.network), 4);
    spec.precision = Precision::bf16;

    const Status status = (*make_cpu_backend({}))->load(ModelId{1}, spec).status();

    EXPECT_THAT(status.message(), HasSubstr("precision bf16 needs a model with a plan"));
}

TEST(CpuBackend, RefusesOptionsThatItDoesNotKnow) {
    const auto message = [](const BackendOptions& options) {
        return make_cpu_backend(options).status().message();
    };

    EXPECT_THAT(message({{"speed", "2"}}), HasSubstr("no option 'speed'"));
    EXPECT_THAT(message({{"threads", "0"}}), HasSubstr("from 1 to 1024"));
    EXPECT_THAT(message({{"lanes", "0"}}), HasSubstr("'0'"));
    for (const char* cores : {"", "a", "1-", "3-1", "0,,1", "0x1"})
        EXPECT_THAT(message({{"cores", cores}}), HasSubstr("no list of cores such as '0-3,8'"));
    EXPECT_THAT(message({{"cores", "1023"}}), HasSubstr("core 1023, which the daemon may not use"));
    const std::string own = std::to_string(cpu::usable_cores().front());
    EXPECT_THAT(message({{"cores", own + "," + own}}), HasSubstr("names core " + own + " twice"));
    EXPECT_THAT(message({{"cores", own}, {"lanes", "2"}}), HasSubstr("'cores' names 1"));
    EXPECT_THAT(message({{"cores", own}, {"threads", "2"}}), HasSubstr("'cores' names 1"));
    EXPECT_THAT(message({{"lanes", "two"}}), HasSubstr("from 1 to 1024"));
    EXPECT_THAT(message({{"slots", "1x"}}), HasSubstr("'1x'"));
}

TEST(CpuBackend, NamesTheOperatorAndTheNodeThatItDoesNotHave) {
    NetworkMaker maker(1);
    maker.output(maker.add("Relu", {maker.add("Bernoulli", {maker.input({-1, 4})})}));
    const ModelSpec spec = spec_of_file("random", onnx_bytes(maker.network), 4);
    const auto backend = make_cpu_backend({{"lanes", "1"}});
    ASSERT_TRUE(backend.ok());

    const auto loaded = backend.value()->load(ModelId{1}, spec);

    EXPECT_EQ(loaded.status().code(), StatusCode::unimplemented);
    EXPECT_THAT(loaded.status().message(), HasSubstr(spec.path));
    EXPECT_THAT(loaded.status().message(), HasSubstr("node 'make_v1' (Bernoulli)"));
}

TEST(CpuBackend, RunsAModelOfFixedShapeAsOneCall) {
    NetworkMaker maker(2);
    maker.output(maker.add("Transpose", {maker.input({2, 3})}));
    const ModelSpec spec = spec_of_file("fixed", onnx_bytes(maker.network), 32);
    auto backend = make_cpu_backend({{"lanes", "1"}});
    ASSERT_TRUE(backend.ok());
    const auto loaded = backend.value()->load(ModelId{1}, spec);
    ASSERT_TRUE(loaded.ok()) << loaded.status().to_string();
    auto lane = backend.value()->open_lane(0, {});
    ASSERT_TRUE(lane.ok());
    const std::vector<float> x = {1, 2, 3, 4, 5, 6};
    std::vector<float> y(6);
    const ConstTensorView input(DataType::f32, {2, 3}, std::as_bytes(std::span(x)));
    const TensorView output{DataType::f32, {3, 2}, std::as_writable_bytes(std::span(y))};

    const Status status = lane.value()->submit(SlotId{0}, ModelId{1}, {&input, 1}, {&output, 1});

    ASSERT_TRUE(status.ok()) << status.to_string();
    EXPECT_FALSE(loaded.value().signature.batched);
    EXPECT_EQ(loaded.value().max_batch_rows, 1U);
    EXPECT_EQ(lane.value()->wait(TimePoint{})->output_shapes[0], (Shape{3, 2}));
    EXPECT_EQ(y, (std::vector<float>{1, 4, 2, 5, 3, 6}));
}

TEST(CpuBackend, RunsTheOtherModelsOnceOneIsUnloaded) {
    const ModelSpec spec = spec_of_file("twice", onnx_bytes(small_mlp()), 4);
    auto backend = make_cpu_backend({{"lanes", "1"}});
    ASSERT_TRUE(backend.ok());
    ASSERT_TRUE(backend.value()->load(ModelId{1}, spec).ok());
    ASSERT_TRUE(backend.value()->load(ModelId{2}, spec).ok());
    auto lane = backend.value()->open_lane(0, {});
    ASSERT_TRUE(lane.ok());
    const std::vector<float> x(5, 0.5F);
    std::vector<float> y(3);
    const ConstTensorView input(DataType::f32, {1, 5}, std::as_bytes(std::span(x)));
    const TensorView output{DataType::f32, {1, 3}, std::as_writable_bytes(std::span(y))};

    backend.value()->unload(ModelId{1});
    backend.value()->unload(ModelId{7});

    const auto submit = [&](ModelId model) {
        return lane.value()->submit(SlotId{0}, model, {&input, 1}, {&output, 1});
    };
    EXPECT_EQ(submit(ModelId{1}).code(), StatusCode::not_found);
    EXPECT_TRUE(submit(ModelId{2}).ok());
}

TEST(CpuBackend, StaysOnTheCoresThatItIsGiven) {
    const unsigned core = cpu::usable_cores().back();
    const ModelSpec spec = spec_of_file("pinned", onnx_bytes(small_mlp()), 4);
    auto backend = make_cpu_backend({{"cores", std::to_string(core)}});
    ASSERT_TRUE(backend.ok()) << backend.status().to_string();
    EXPECT_EQ(backend.value()->device().lanes, 1U);
    ASSERT_TRUE(backend.value()->load(ModelId{1}, spec).ok());
    auto lane = backend.value()->open_lane(0, {});
    ASSERT_TRUE(lane.ok());
    std::vector<unsigned> cores;
    std::jthread([&] {
        const std::vector<float> x(5, 0.5F);
        std::vector<float> y(3);
        const ConstTensorView input(DataType::f32, {1, 5}, std::as_bytes(std::span(x)));
        const TensorView output{DataType::f32, {1, 3}, std::as_writable_bytes(std::span(y))};
        EXPECT_TRUE(lane.value()->submit(SlotId{0}, ModelId{1}, {&input, 1}, {&output, 1}).ok());
        cores = cpu::usable_cores();
    }).join();

    EXPECT_EQ(cores, std::vector<unsigned>{core});
}

TEST(CpuBackend, HasOnlyTheLanesThatItOffers) {
    auto backend = make_cpu_backend({{"lanes", "2"}});
    ASSERT_TRUE(backend.ok());

    EXPECT_TRUE(backend.value()->open_lane(1, {}).ok());
    EXPECT_EQ(backend.value()->open_lane(2, {}).status().code(), StatusCode::invalid_argument);
}

}  // namespace
}  // namespace bunch::test
