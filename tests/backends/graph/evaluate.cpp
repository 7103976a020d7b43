#include "tests/backends/graph/evaluate.h"

#include <functional>
#include <map>
#include <stdexcept>
#include <utility>

namespace bunch::test_network {
namespace {

Array compute(const Task& task) {
    static const std::map<std::string, std::function<Array(const Task&)>> functions = {
        {"Conv", convolve},
        {"MaxPool", pool},
        {"AveragePool", pool},
        {"GlobalAveragePool", pool},
        {"Gemm", gemm},
        {"MatMul", mat_mul},
        {"BatchNormalization", batch_norm},
        {"Softmax", softmax},
        {"Reshape", reshape},
        {"Flatten", flatten},
        {"Transpose", transpose},
        {"Concat", concat},
        {"Identity", [](const Task& t) { return t.inputs[0]; }},
        {"Dropout", [](const Task& t) { return t.inputs[0]; }},
    };
    const auto found = functions.find(task.operation.type);
    return found == functions.end() ? pointwise(task) : found->second(task);
}

}  // namespace

std::size_t count(const Extents& extents) {
    std::size_t product = 1;
    for (const std::int64_t extent : extents) product *= static_cast<std::size_t>(extent);
    return product;
}

std::int64_t Task::integer(const std::string& name, std::int64_t fallback) const {
    const auto found = operation.attributes.find(name);
    return found == operation.attributes.end() ? fallback : std::get<std::int64_t>(found->second);
}

double Task::number(const std::string& name, double fallback) const {
    const auto found = operation.attributes.find(name);
    return found == operation.attributes.end()
               ? fallback
               : static_cast<double>(std::get<float>(found->second));
}

std::string Task::text(const std::string& name, const std::string& fallback) const {
    const auto found = operation.attributes.find(name);
    return found == operation.attributes.end() ? fallback : std::get<std::string>(found->second);
}

Extents Task::list(const std::string& name, const Extents& fallback) const {
    const auto found = operation.attributes.find(name);
    return found == operation.attributes.end() ? fallback : std::get<Extents>(found->second);
}

Arrays evaluate(const Network& network, const Arrays& inputs) {
    Arrays known = inputs;
    for (const auto& [name, array] : network.constants) {
        Array rounded = array;  // as the file has it
        for (double& number : rounded.numbers)
            number = static_cast<double>(static_cast<float>(number));
        known[name] = rounded;
    }
    for (const Operation& operation : network.operations) {
        Task task{operation, network.opset, {}, {}};
        for (const std::string& name : operation.inputs) {
            const auto integers = network.integers.find(name);
            task.integers.push_back(integers == network.integers.end() ? Extents()
                                                                       : integers->second);
            task.inputs.push_back(known.contains(name) ? known.at(name) : Array());
        }
        known[operation.output] = compute(task);
    }
    Arrays outputs;
    for (const std::string& name : network.outputs) outputs[name] = known.at(name);
    return outputs;
}

}  // namespace bunch::test_network
