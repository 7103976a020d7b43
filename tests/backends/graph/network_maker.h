/// Writes networks down operation by operation, with random weights. Names of values are made up:
/// "v0", "v1" and so on.
#pragma once

#include <cmath>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/backends/graph/network.h"

namespace bunch::test_network {

class NetworkMaker {
  public:
    explicit NetworkMaker(unsigned seed) : random_(seed) {}

    Network network;

    std::string input(const Extents& extents) {
        network.inputs.push_back({fresh(), extents});
        return network.inputs.back().name;
    }
    void output(const std::string& value) { network.outputs.push_back(value); }

    /// Normal numbers of this spread; from `least` on up when it is given (for variances).
    std::string constant(const Extents& extents, double spread = 1, double least = -1e300) {
        std::normal_distribution<double> normal(0, spread);
        Array array{extents, std::vector<double>(count(extents))};
        for (double& number : array.numbers)
            number = least > 0 ? least + std::abs(normal(random_)) : normal(random_);
        return network.constants.emplace(fresh(), std::move(array)).first->first;
    }
    std::string number(double value) {
        return network.constants.emplace(fresh(), Array{{}, {value}}).first->first;
    }
    std::string integers(const Extents& items) {
        return network.integers.emplace(fresh(), items).first->first;
    }
    std::string add(const std::string& type, const std::vector<std::string>& inputs,
                    const std::map<std::string, Attribute>& attributes = {}) {
        network.operations.push_back({type, inputs, fresh(), attributes});
        return network.operations.back().output;
    }

    /// Layers with weights of a size that keeps numbers near 1.
    std::string convolution(const std::string& x, std::int64_t inputs, std::int64_t outputs,
                            std::int64_t kernel, std::int64_t stride = 1, std::int64_t groups = 1) {
        const double spread = 1 / std::sqrt(static_cast<double>(inputs / groups * kernel * kernel));
        const std::int64_t pad = kernel / 2;
        return add(
            "Conv",
            {x, constant({outputs, inputs / groups, kernel, kernel}, spread), constant({outputs})},
            {{"pads", Extents{pad, pad, pad, pad}},
             {"strides", Extents{stride, stride}},
             {"group", groups}});
    }
    std::string dense(const std::string& x, std::int64_t inputs, std::int64_t outputs) {
        const double spread = 1 / std::sqrt(static_cast<double>(inputs));
        return add("Gemm", {x, constant({inputs, outputs}, spread), constant({outputs})});
    }
    std::string batch_norm(const std::string& x, std::int64_t channels) {
        return add("BatchNormalization", {x, constant({channels}), constant({channels}),
                                          constant({channels}), constant({channels}, 1, 0.5)});
    }

    std::int64_t between(std::int64_t least, std::int64_t most) {
        return std::uniform_int_distribution<std::int64_t>(least, most)(random_);
    }
    Array numbers(const Extents& extents) {
        std::normal_distribution<double> normal;
        Array array{extents, std::vector<double>(count(extents))};
        // Rounded: the executor gets the same.
        for (double& number : array.numbers)
            number = static_cast<double>(static_cast<float>(normal(random_)));
        return array;
    }

  private:
    std::string fresh() { return "v" + std::to_string(next_++); }

    std::mt19937 random_;
    int next_ = 0;
};

}  // namespace bunch::test_network
