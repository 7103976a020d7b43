#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "backends/cpu/cpu_model.h"
#include "muon/quantised/onnx_file.h"
#include "muon/quantised/onnx_graph.h"
#include "muon/sample_file.h"
#include "tests/muon/networks.h"

namespace bunch::muon {
namespace {

using testing::HasSubstr;

/// Also beyond what the wires carry.
std::vector<std::int32_t> random_fields(std::size_t muons, std::uint64_t seed) {
    Random random(seed);
    std::vector<std::int32_t> fields;
    const auto draw = [&](double low, double high) {
        fields.push_back(static_cast<std::int32_t>(std::floor(random.uniform(low, high))));
    };
    for (std::size_t i = 0; i < muons; ++i) {
        const double beyond = random.uniform() < 0.01 ? 300 : 0;
        draw(0 - beyond, 576 + 2 * beyond);
        draw(-256 - beyond, 256 + beyond);
        draw(0 - beyond, 512 + beyond);
        draw(0 - beyond, 2 + beyond);
        draw(0 - beyond, 16 + beyond);
    }
    return fields;
}

/// What the CPU executor makes of the file.
std::vector<std::int32_t> executed(const std::string& path, std::span<const std::int32_t> fields,
                                   std::size_t columns, std::size_t width) {
    const std::size_t rows = fields.size() / columns;
    cpu::CpuModelOptions options;
    options.max_rows = static_cast<std::uint32_t>(rows);
    const auto model = cpu::CpuModel::load(path, options);
    if (!model.ok()) {
        ADD_FAILURE() << model.status().to_string();
        return {};
    }
    EXPECT_TRUE((*model)->signature().batched);
    auto session = (*model)->open();
    std::vector<std::int32_t> results(rows * width);
    const auto extent = [](std::size_t n) { return static_cast<std::int64_t>(n); };
    const ConstTensorView input(DataType::i32, {extent(rows), extent(columns)},
                                std::as_bytes(fields));
    const TensorView output{
        DataType::i32, {extent(rows), extent(width)}, std::as_writable_bytes(std::span(results))};
    std::vector<Shape> shapes;
    const Status status = (*session)->run(std::span(&input, 1), std::span(&output, 1), shapes);
    EXPECT_TRUE(status.ok()) << status.to_string();
    return results;
}

TEST(OnnxFile, IsExactOnTheCpuExecutor) {
    for (const Task task : {Task::recalibration, Task::pair})
        for (const int bits : {8, 5}) {
            IntegerNetwork network = random_integer_network(task, {24, 16, 12}, 11);
            network.activation_bits = bits;
            const std::string path =
                testing::TempDir() + std::to_string(::getpid()) + "_muon_exact.onnx";
            ASSERT_TRUE(write_onnx(path, network).ok());
            const std::size_t columns = input_count(task, Encoding::raw);
            const auto fields = random_fields(100'000, 12);

            const auto found = executed(path, fields, columns, output_count(task));

            const auto wanted = run_fields(network, fields);
            EXPECT_EQ(found, wanted) << name_of(task) << ", " << bits << " bits";
            EXPECT_GT(*std::max_element(wanted.begin(), wanted.end()), 200);
            std::filesystem::remove(path);
        }
}

TEST(OnnxFile, IsReadAsTheNetworkThatWasWritten) {
    for (const Task task : {Task::recalibration, Task::pair}) {
        IntegerNetwork network = random_integer_network(task, {9, 7}, 5);
        network.activation_bits = 6;

        const auto read = parse_onnx(onnx_bytes(network));

        ASSERT_TRUE(read.ok()) << read.status().to_string();
        EXPECT_EQ(*read, network);
    }
}

TEST(OnnxFile, OfAnyOtherModelIsRefused) {
    const IntegerNetwork network = random_integer_network(Task::recalibration, {9}, 5);
    const std::string bytes = onnx_bytes(network);
    const auto message = [&](const auto& change) {
        onnx::ModelProto model;
        EXPECT_TRUE(model.ParseFromString(bytes));
        change(*model.mutable_graph());
        return parse_onnx(model.SerializeAsString()).status().message();
    };
    const auto tensor = [](onnx::GraphProto& graph, const std::string& name) -> onnx::TensorProto& {
        for (onnx::TensorProto& one : *graph.mutable_initializer())
            if (one.name() == name) return one;
        ADD_FAILURE() << name;
        return *graph.add_initializer();
    };
    const float third = 1.0F / 3;

    EXPECT_THAT(parse_onnx("hello").status().message(), HasSubstr("no ONNX model"));
    EXPECT_THAT(message([](auto& graph) { graph.set_name("resnet"); }), HasSubstr("'resnet'"));
    EXPECT_THAT(message([](auto& graph) { graph.mutable_node(7)->set_op_type("Tanh"); }),
                HasSubstr("does not write"));
    EXPECT_THAT(message([&](auto& graph) { tensor(graph, "layer0.weight").set_name("x"); }),
                HasSubstr("no dense layer 'layer0'"));
    EXPECT_THAT(message([&](auto& graph) { tensor(graph, "layer1.bias").set_raw_data("abc"); }),
                HasSubstr("'layer1.bias'"));
    EXPECT_THAT(message([&](auto& graph) {
                    tensor(graph, "layer1.scale")
                        .mutable_raw_data()
                        ->replace(0, 4, reinterpret_cast<const char*>(&third), 4);
                }),
                HasSubstr("not a power of two"));
    EXPECT_THAT(message([&](auto& graph) {
                    tensor(graph, "layer1.bias")
                        .mutable_raw_data()
                        ->replace(0, 4, reinterpret_cast<const char*>(&third), 4);
                }),
                HasSubstr("plus a half"));
}

TEST(OnnxFile, IsNotWrittenForANetworkBeyondTheBound) {
    IntegerNetwork network = random_integer_network(Task::pair, {9}, 5);
    network.layers[0].biases[0] = 1 << 24;
    const std::string path = testing::TempDir() + std::to_string(::getpid()) + "_muon_beyond.onnx";

    EXPECT_THAT(write_onnx(path, network).message(), HasSubstr("the limit is 8388608"));
    EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace bunch::muon
