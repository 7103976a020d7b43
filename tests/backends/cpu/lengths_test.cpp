// Models whose inputs have lengths besides the rows: what these are called, that padding with a
// mask changes no answer, and that a runner which meets many lengths does not grow.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "backends/cpu/cpu_model.h"
#include "core/rows.h"
#include "tests/backends/graph/network_maker.h"
#include "tests/fakes/kept_memory.h"
#include "zoo/zoo.h"

namespace bunch::test {
namespace {

using test_network::NetworkMaker;
using testing::ElementsAre;
using testing::IsEmpty;

using Model = std::shared_ptr<const cpu::CpuModel>;

std::string path_of(const std::string& name) {
    return testing::TempDir() + "bunch-lengths-" + std::to_string(::getpid()) + "-" + name;
}

Model loaded(const std::string& path) {
    auto model = cpu::CpuModel::load(path, {});
    std::filesystem::remove(path);
    if (model.ok()) return *model;
    ADD_FAILURE() << model.status().message();
    return nullptr;
}

Model loaded(const test_network::Network& network) {
    const std::string path = path_of("network");
    std::ofstream(path, std::ios::binary) << test_network::onnx_bytes(network);
    return loaded(path);
}

Model zoo_model(const std::string& name) {
    const std::string path = path_of(name);
    EXPECT_TRUE(write_zoo_model(name, path, 3).ok());
    return loaded(path);
}

Tensor zeros(const Shape& shape) {
    Tensor tensor{DataType::f32, shape, Buffer::allocate(*byte_size(DataType::f32, shape))};
    std::fill(tensor.buffer.bytes().begin(), tensor.buffer.bytes().end(), std::byte{0});
    return tensor;
}

std::span<float> floats(Tensor& tensor) {
    return {reinterpret_cast<float*>(tensor.buffer.bytes().data()),
            tensor.buffer.size() / sizeof(float)};
}

Tensor filled(const Shape& shape, const std::function<float()>& value) {
    Tensor tensor = zeros(shape);
    for (float& one : floats(tensor)) one = value();
    return tensor;
}

std::vector<float> run(const Model& model, const std::vector<Tensor>& inputs) {
    std::vector<ConstTensorView> views;
    for (const Tensor& input : inputs) views.push_back(input.view());
    const std::int64_t rows = inputs[0].shape[0];
    Tensor output = zeros({rows, 8});
    const TensorView view = output.view();
    std::vector<Shape> shapes;
    auto session = model->open();
    EXPECT_TRUE(session.ok());
    const Status status = (*session)->run(views, {&view, 1}, shapes);
    EXPECT_TRUE(status.ok()) << status.message();
    const auto made = floats(output);
    return {made.begin(), made.end()};
}

TEST(Lengths, HaveTheNamesThatTheModelGivesThem) {
    const Model model = zoo_model("particlenet_masked");

    const ModelSignature& signature = model->signature();
    EXPECT_THAT(model->why_not_batched(), IsEmpty());
    EXPECT_THAT(signature.inputs.at(0).dimensions, ElementsAre("", "", "P"));
    EXPECT_THAT(signature.inputs.at(3).dimensions, ElementsAre("", "", "V"));
    EXPECT_THAT(signature.outputs.at(0).dimensions, IsEmpty());
}

TEST(Lengths, OfOutputsAreNamedAfterThoseTheyFollow) {
    NetworkMaker maker(1);
    const std::string x = maker.input({-1, 3, -1});
    const std::string y = maker.input({-1, 3, -1});
    maker.output(maker.add("Relu", {y}));
    maker.output(maker.add("Concat", {x, y}, {{"axis", std::int64_t{2}}}));

    const Model model = loaded(maker.network);

    const ModelSignature& signature = model->signature();
    EXPECT_THAT(signature.outputs.at(0).dimensions, ElementsAre("", "", "L"));
    EXPECT_THAT(signature.outputs.at(1).dimensions, IsEmpty());
    EXPECT_EQ(signature.outputs.at(1).shape, (Shape{kAnyExtent, 3, kAnyExtent}));
}

/// Jets of different lengths, alone as they are and together in one batch of 50 particles and 5
/// vertices with masks.
TEST(Lengths, ThatArePaddedAndMaskedGiveTheSameAnswers) {
    const Model plain = zoo_model("particlenet");
    const Model masked = zoo_model("particlenet_masked");
    constexpr std::int64_t kParticles[] = {50, 17, 8, 3, 2, 31, 1},
                           kVertices[] = {5, 1, 2, 0, 0, 4, 1};
    constexpr std::uint32_t kJets = 7;
    std::mt19937 random(5);
    const auto any = [&] { return std::normal_distribution<float>()(random); };
    std::vector<Tensor> batch;
    for (const Shape& shape :
         {Shape{kJets, 23, 50}, Shape{kJets, 14, 5}, Shape{kJets, 1, 50}, Shape{kJets, 1, 5}})
        batch.push_back(zeros(shape));
    std::vector<float> expected;
    for (std::uint32_t jet = 0; jet < kJets; ++jet) {
        const std::int64_t p = kParticles[jet], v = kVertices[jet];
        std::vector<Tensor> own;
        own.push_back(filled({1, 23, p}, any));
        own.push_back(filled({1, 14, v}, any));
        const std::vector<float> answer = run(plain, own);
        expected.insert(expected.end(), answer.begin(), answer.end());
        own.push_back(filled({1, 1, p}, [] { return 1.0F; }));
        own.push_back(filled({1, 1, v}, [] { return 1.0F; }));
        for (std::size_t i = 0; i < own.size(); ++i) {
            const Shape& shape = batch[i].shape;
            const std::size_t row = batch[i].buffer.size() / kJets;
            const TensorView place{DataType::f32, shape.with_rows(1),
                                   batch[i].buffer.bytes().subspan(jet * row, row)};
            gather(std::vector{RowRange{std::as_const(own[i]).view(), 0, 1}}, place);
        }
    }

    const std::vector<float> together = run(masked, batch);

    ASSERT_EQ(together.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i)
        EXPECT_NEAR(together[i], expected[i], 3e-6) << "jet " << i / 8 << ", class " << i % 8;
}

std::uint64_t resident_bytes() {
    std::ifstream file("/proc/self/statm");
    std::uint64_t size = 0, resident = 0;
    file >> size >> resident;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

constexpr std::uint64_t kGrowth =
    (std::uint64_t{8} << 20) + kKeptBySanitizers;  // unbounded: 560 MiB

// Each kernel keeps primitives of 16 shapes, oneDNN those of 1024 in all.
TEST(Lengths, OfAnyNumberLeaveTheMemoryOfARunnerBounded) {
    constexpr std::int64_t kLengths = 10'000, kEarly = 2'000;
    NetworkMaker maker(1);
    const std::string x = maker.input({-1, -1, 2});
    const std::string turned =
        maker.add("Transpose", {x}, {{"perm", test_network::Extents{0, 2, 1}}});
    maker.output(maker.add("MatMul", {turned, x}));
    const Model model = loaded(maker.network);
    auto session = model->open();
    ASSERT_TRUE(session.ok());
    Tensor input = zeros({1, kLengths, 2});
    Tensor output = zeros({1, 8});
    const TensorView made = output.view();
    std::vector<Shape> shapes;
    std::uint64_t early = 0;

    for (std::int64_t length = kLengths; length > 0; --length) {
        const Shape shape{1, length, 2};
        const ConstTensorView given(DataType::f32, shape,
                                    input.buffer.bytes().first(*byte_size(DataType::f32, shape)));
        ASSERT_TRUE((*session)->run({&given, 1}, {&made, 1}, shapes).ok());
        if (length == kLengths - kEarly) early = resident_bytes();
    }

    const std::uint64_t late = resident_bytes();
    RecordProperty("grown_bytes", std::to_string(late > early ? late - early : 0));
    EXPECT_LT(late, early + kGrowth);
}

}  // namespace
}  // namespace bunch::test
