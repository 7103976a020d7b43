#include "tests/backends/cpu/compare.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <list>
#include <random>
#include <vector>

#include "backends/graph/onnx_reader.h"
#include "backends/graph/passes.h"

namespace bunch::test_network {
namespace {

constexpr std::size_t kGuard = 64;  // floats before and after each output
constexpr float kUntouched = 12345.0F;

Shape shape_of(const Extents& extents) {
    return *Shape::from(extents);
}

Extents with_rows(Extents extents, std::int64_t rows) {
    if (!extents.empty() && extents[0] < 0) extents[0] = rows;
    return extents;
}

std::span<const std::byte> bytes_of(const std::vector<float>& numbers) {
    return std::as_bytes(std::span(numbers));
}

// Inputs for one batch.
Arrays random_inputs(const Network& network, std::int64_t rows, std::mt19937& random) {
    std::normal_distribution<float> normal;
    Arrays inputs;
    for (const Port& port : network.inputs) {
        Array array{with_rows(port.extents, rows), {}};
        array.numbers.resize(count(array.extents));
        for (double& number : array.numbers) number = static_cast<double>(normal(random));
        inputs[port.name] = std::move(array);
    }
    return inputs;
}

// One output with guards around it.
struct Guarded {
    Extents extents;
    std::vector<float> numbers;

    explicit Guarded(const Array& expected)
        : extents(expected.extents), numbers(expected.numbers.size() + 2 * kGuard, kUntouched) {}

    std::span<float> inside() {
        return std::span(numbers).subspan(kGuard, numbers.size() - 2 * kGuard);
    }
    bool guards_hold() const {
        const auto untouched = [](float number) { return number == kUntouched; };
        return std::all_of(numbers.begin(), numbers.begin() + kGuard, untouched) &&
               std::all_of(numbers.end() - kGuard, numbers.end(), untouched);
    }
};

void expect_close(const std::string& name, const Array& expected, Guarded& actual,
                  double tolerance) {
    double largest = 0, difference = 0;
    for (std::size_t i = 0; i < expected.numbers.size(); ++i) {
        largest = std::max(largest, std::abs(expected.numbers[i]));
        const double d = std::abs(static_cast<double>(actual.inside()[i]) - expected.numbers[i]);
        difference = d <= difference ? difference : d;  // takes NaN
    }
    EXPECT_LE(difference, tolerance * (1 + largest)) << "output " << name;
    EXPECT_TRUE(actual.guards_hold()) << "wrote outside output " << name;
}

void expect_batch(const Network& network, cpu::Session& session, std::int64_t rows,
                  std::mt19937& random, double tolerance) {
    SCOPED_TRACE("rows " + std::to_string(rows));
    const Arrays inputs = random_inputs(network, rows, random);
    const Arrays expected = evaluate(network, inputs);
    std::list<std::vector<float>> kept;
    std::vector<ConstTensorView> input_views;
    for (const Port& port : network.inputs) {
        const Array& array = inputs.at(port.name);
        kept.emplace_back(array.numbers.begin(), array.numbers.end());
        input_views.emplace_back(DataType::f32, shape_of(array.extents), bytes_of(kept.back()));
    }
    std::list<Guarded> outputs;
    std::vector<TensorView> output_views;
    for (const std::string& name : network.outputs) {
        Guarded& output = outputs.emplace_back(expected.at(name));
        output_views.push_back(
            {DataType::f32, shape_of(output.extents), std::as_writable_bytes(output.inside())});
    }

    const Status status = session.run(input_views, output_views);

    ASSERT_TRUE(status.ok()) << status.to_string();
    auto output = outputs.begin();
    for (const std::string& name : network.outputs)
        expect_close(name, expected.at(name), *output++, tolerance);
}

}  // namespace

Result<Graph> graph_of(const Network& network, bool simplified) {
    const std::string bytes = onnx_bytes(network);
    BUNCH_ASSIGN_OR_RETURN(Graph graph, parse_onnx(std::as_bytes(std::span(bytes)), {}));
    if (simplified) simplify(graph);
    return graph;
}

void expect_reference(const Network& network, unsigned seed, const CompareOptions& options) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Result<Graph> graph = graph_of(network, options.simplified);
    ASSERT_TRUE(graph.ok()) << graph.status().to_string();
    const auto program = cpu::Program::prepare(*graph, options.max_rows, options.program);
    ASSERT_TRUE(program.ok()) << program.status().to_string();
    auto session = cpu::Session::open(*program);
    ASSERT_TRUE(session.ok()) << session.status().to_string();
    std::mt19937 random(seed);
    const std::int64_t most = (*program)->max_rows();
    for (std::int64_t rows = 1; rows <= most; ++rows)
        expect_batch(network, **session, rows, random, options.tolerance);
}

void expect_reference_every_way(const Network& network, unsigned seed) {
    for (const bool simplified : {true, false}) {
        for (const bool ours : {true, false}) {
            SCOPED_TRACE(std::string(simplified ? "simplified" : "as read") +
                         (ours ? ", own choices" : ", oneDNN's choices"));
            CompareOptions options;
            options.simplified = simplified;
            options.program.planner = {ours, ours, ours};
            expect_reference(network, seed, options);
        }
    }
}

}  // namespace bunch::test_network
