// Operations on single numbers, along one axis, or on the order of numbers only.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "tests/backends/graph/evaluate.h"

namespace bunch::test_network {
namespace {

std::size_t size(std::int64_t extent) {
    return static_cast<std::size_t>(extent);
}

// Position of each index of `extents` in an array of extents `other`, stretched to it.
std::vector<std::size_t> stretched(const Extents& extents, const Extents& other) {
    std::vector<std::size_t> positions;
    for (std::size_t flat = 0; flat < count(extents); ++flat) {
        std::size_t rest = flat, position = 0, step = 1;
        for (std::size_t back = 1; back <= extents.size(); ++back) {
            const std::size_t extent = size(extents[extents.size() - back]);
            const std::size_t index = rest % extent;
            rest /= extent;
            if (back > other.size()) continue;
            const std::size_t own = size(other[other.size() - back]);
            if (own != 1) position += index * step;
            step *= own;
        }
        positions.push_back(position);
    }
    return positions;
}

Array binary(const Task& task) {
    const Array &a = task.inputs[0], &b = task.inputs[1];
    Extents extents(std::max(a.extents.size(), b.extents.size()), 1);
    for (const Extents* given : {&a.extents, &b.extents})
        for (std::size_t back = 1; back <= given->size(); ++back)
            if ((*given)[given->size() - back] != 1)
                extents[extents.size() - back] = (*given)[given->size() - back];
    const auto in_a = stretched(extents, a.extents), in_b = stretched(extents, b.extents);
    Array y{extents, {}};
    for (std::size_t i = 0; i < in_a.size(); ++i) {
        const double left = a.numbers[in_a[i]], right = b.numbers[in_b[i]];
        y.numbers.push_back(task.operation.type == "Add"   ? left + right
                            : task.operation.type == "Sub" ? left - right
                                                           : left * right);
    }
    return y;
}

double apply(const Task& task, double x) {
    const std::string& type = task.operation.type;
    if (type == "Relu") return x > 0 ? x : 0;
    if (type == "LeakyRelu") return x > 0 ? x : x * task.number("alpha", 0.01F);
    if (type == "Sigmoid") return 1 / (1 + std::exp(-x));
    if (type == "Tanh") return std::tanh(x);
    if (type == "Clip") {
        const auto bound = [&](std::size_t i, const char* name, double fallback) {
            if (task.inputs.size() > i && !task.inputs[i].numbers.empty())
                return task.inputs[i].numbers[0];
            return task.number(name, fallback);
        };
        return std::min(std::max(x, bound(1, "min", -1e300)), bound(2, "max", 1e300));
    }
    throw std::logic_error("no reference for " + type);
}

}  // namespace

Array pointwise(const Task& task) {
    const std::string& type = task.operation.type;
    if (type == "Add" || type == "Sub" || type == "Mul") return binary(task);
    Array y = task.inputs[0];
    for (double& number : y.numbers) number = apply(task, number);
    return y;
}

Array batch_norm(const Task& task) {
    Array y = task.inputs[0];
    const std::size_t channels = size(y.extents[1]);
    const std::size_t inner = count(y.extents) / channels / size(y.extents[0]);
    for (std::size_t i = 0; i < y.numbers.size(); ++i) {
        const std::size_t c = i / inner % channels;
        const auto parameter = [&](std::size_t which) { return task.inputs[which].numbers[c]; };
        y.numbers[i] = parameter(1) * (y.numbers[i] - parameter(3)) /
                           std::sqrt(parameter(4) + task.number("epsilon", 1e-5F)) +
                       parameter(2);
    }
    return y;
}

Array softmax(const Task& task) {
    Array y = task.inputs[0];
    const auto rank = static_cast<std::int64_t>(y.extents.size());
    std::int64_t axis = task.integer("axis", task.opset < 13 ? 1 : -1);
    if (axis < 0) axis += rank;
    std::size_t before = 1, along = 1, after = 1;
    for (std::int64_t i = 0; i < rank; ++i) {
        const bool in = i == axis || (i > axis && task.opset < 13);
        (i < axis ? before : in ? along : after) *= size(y.extents[size(i)]);
    }
    for (std::size_t i = 0; i < before * after; ++i) {
        double* first = &y.numbers[i / after * along * after + i % after];
        double most = first[0], sum = 0;
        for (std::size_t j = 0; j < along; ++j) most = std::max(most, first[j * after]);
        for (std::size_t j = 0; j < along; ++j) sum += std::exp(first[j * after] - most);
        for (std::size_t j = 0; j < along; ++j)
            first[j * after] = std::exp(first[j * after] - most) / sum;
    }
    return y;
}

Array reshape(const Task& task) {
    Array y = task.inputs[0];
    Extents extents = task.integers[1];
    std::int64_t known = 1;
    for (std::size_t i = 0; i < extents.size(); ++i) {
        if (extents[i] == 0) extents[i] = y.extents[i];
        if (extents[i] > 0) known *= extents[i];
    }
    for (std::int64_t& extent : extents)
        if (extent == -1) extent = static_cast<std::int64_t>(y.numbers.size()) / known;
    y.extents = extents;
    return y;
}

Array flatten(const Task& task) {
    Array y = task.inputs[0];
    std::int64_t axis = task.integer("axis", 1), before = 1;
    if (axis < 0) axis += static_cast<std::int64_t>(y.extents.size());
    for (std::int64_t i = 0; i < axis; ++i) before *= y.extents[size(i)];
    y.extents = {before, static_cast<std::int64_t>(y.numbers.size()) / before};
    return y;
}

Array transpose(const Task& task) {
    const Array& x = task.inputs[0];
    Extents order(x.extents.size());
    std::iota(order.rbegin(), order.rend(), 0);
    order = task.list("perm", order);
    Array y{{}, {}};
    for (const std::int64_t from : order) y.extents.push_back(x.extents[size(from)]);
    for (std::size_t flat = 0; flat < x.numbers.size(); ++flat) {
        std::size_t rest = flat, position = 0;
        for (std::size_t i = order.size(); i-- > 0;) {
            const std::size_t index = rest % size(y.extents[i]);
            rest /= size(y.extents[i]);
            std::size_t step = 1;
            for (std::size_t j = size(order[i]) + 1; j < x.extents.size(); ++j)
                step *= size(x.extents[j]);
            position += index * step;
        }
        y.numbers.push_back(x.numbers[position]);
    }
    return y;
}

Array concat(const Task& task) {
    std::int64_t axis = task.integer("axis", 1);
    if (axis < 0) axis += static_cast<std::int64_t>(task.inputs[0].extents.size());
    Array y{task.inputs[0].extents, {}};
    y.extents[size(axis)] = 0;
    for (const Array& x : task.inputs) y.extents[size(axis)] += x.extents[size(axis)];
    std::size_t before = 1;
    for (std::int64_t i = 0; i < axis; ++i) before *= size(y.extents[size(i)]);
    for (std::size_t i = 0; i < before; ++i)
        for (const Array& x : task.inputs) {
            const std::size_t piece = x.numbers.size() / before;
            const auto first = x.numbers.begin() + static_cast<std::ptrdiff_t>(i * piece);
            y.numbers.insert(y.numbers.end(), first, first + static_cast<std::ptrdiff_t>(piece));
        }
    return y;
}

}  // namespace bunch::test_network
