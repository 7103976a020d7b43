/// Writes networks in the form of quantising tools (QDQ) down: layers between QuantizeLinear and
/// DequantizeLinear.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "tests/backends/graph/network_maker.h"

namespace bunch::test_network {

/// Numbers scale * (q - zero).
struct Steps {
    double scale = 1;
    std::int64_t zero = 0;
    bool with_sign = false;  ///< INT8, else UINT8
};

class QuantisedMaker : public NetworkMaker {
  public:
    /// With `exact` all scales are powers of two, so that floats hold every number and sum.
    QuantisedMaker(unsigned seed, bool exact) : NetworkMaker(seed), exact_(exact) {}

    double scale(double about) {
        if (exact_) return std::exp2(std::round(std::log2(about)));
        return about * (0.75 + static_cast<double>(between(0, 1000)) / 2000);
    }
    /// A grid for numbers of order one: zero point at the end, in the middle, or anywhere.
    Steps steps() {
        Steps made{scale(1.0 / 32), 0, between(0, 1) == 0};
        const std::int64_t least = made.with_sign ? -128 : 0, kind = between(0, 2);
        made.zero = kind == 0 ? least : kind == 1 ? least + 128 : between(least, least + 255);
        return made;
    }

    /// `x` rounded.
    std::string rounded(const std::string& x, const Steps& steps) {
        const std::string step = number(steps.scale), zero = zero_point(steps);
        const std::string q = add("QuantizeLinear", {x, step, zero});
        return add("DequantizeLinear", {q, step, zero});
    }
    /// Integers of ONNX type `to` (2: UINT8, 3: INT8, 6: INT32), uniform, as a constant.
    std::string random_integers(const Extents& extents, std::int64_t least, std::int64_t most,
                                std::int64_t to) {
        Array array{extents, std::vector<double>(count(extents))};
        for (double& one : array.numbers) one = static_cast<double>(between(least, most));
        return add("Cast", {constant_of(array)}, {{"to", to}});
    }
    std::string constant_of(const Array& array) {
        const std::string name = "c" + std::to_string(constants_++);
        network.constants[name] = array;
        return name;
    }
    /// INT8 weights and their DequantizeLinear: a scale for each index of `axis`, or one.
    std::string weights(const Extents& extents, std::int64_t axis, bool per_channel) {
        std::int64_t products = 1;
        for (const std::int64_t extent : extents) products *= extent;
        const std::int64_t channels = extents[static_cast<std::size_t>(axis)];
        const double about = 1.0 / (32 * std::sqrt(static_cast<double>(products / channels)));
        Array scales{per_channel ? Extents{channels} : Extents{}, {}};
        for (std::int64_t c = 0; c < (per_channel ? channels : 1); ++c)
            scales.numbers.push_back(scale(about * std::exp2(static_cast<double>(between(-1, 1)))));
        return add("DequantizeLinear",
                   {random_integers(extents, -127, 127, 3), constant_of(scales)}, {{"axis", axis}});
    }
    /// In exact networks multiples of 2^-10.
    std::string bias(std::int64_t channels) {
        Array array{{channels}, {}};
        for (std::int64_t c = 0; c < channels; ++c)
            array.numbers.push_back(static_cast<double>(between(-1024, 1024)) / 1024);
        return constant_of(array);
    }
    std::string quantised_convolution(const std::string& x, std::int64_t inputs,
                                      std::int64_t outputs, std::int64_t kernel,
                                      std::int64_t stride = 1, std::int64_t groups = 1) {
        const std::int64_t pad = kernel / 2;
        std::vector<std::string> all = {
            x, weights({outputs, inputs / groups, kernel, kernel}, 0, between(0, 1) == 0)};
        if (between(0, 2) > 0) all.push_back(bias(outputs));
        return add("Conv", all,
                   {{"pads", Extents{pad, pad, pad, pad}},
                    {"strides", Extents{stride, stride}},
                    {"group", groups}});
    }
    /// A Gemm with its matrix either way round, or a MatMul and an Add.
    std::string quantised_dense(const std::string& x, std::int64_t inputs, std::int64_t outputs) {
        const bool per_channel = between(0, 1) == 0;
        switch (between(0, 2)) {
            case 0:
                return add("Gemm", {x, weights({inputs, outputs}, 1, per_channel), bias(outputs)});
            case 1:
                return add("Gemm", {x, weights({outputs, inputs}, 0, per_channel), bias(outputs)},
                           {{"transB", std::int64_t{1}}});
            default:
                return add("Add", {add("MatMul", {x, weights({inputs, outputs}, 1, per_channel)}),
                                   bias(outputs)});
        }
    }

  private:
    std::string zero_point(const Steps& steps) {
        return add("Cast", {number(static_cast<double>(steps.zero))},
                   {{"to", std::int64_t{steps.with_sign ? 3 : 2}}});
    }

    bool exact_;
    int constants_ = 0;
};

}  // namespace bunch::test_network
