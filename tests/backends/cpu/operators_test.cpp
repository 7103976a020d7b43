// Every operator and each of its forms, alone and in every way that plans can be made.
#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <string>

#include "tests/backends/cpu/compare.h"
#include "tests/backends/graph/network_maker.h"

namespace bunch::test_network {
namespace {

constexpr unsigned kSeed = 20240607;

struct Case {
    std::string name;
    std::function<std::string(NetworkMaker&)> make;  ///< returns the output
    std::int64_t opset = 13;
};

void PrintTo(const Case& subject, std::ostream* out) {
    *out << subject.name;
}

class Operators : public testing::TestWithParam<Case> {};

TEST_P(Operators, AgreeWithTheReferenceInEveryBatchSize) {
    NetworkMaker maker(kSeed);
    maker.network.opset = GetParam().opset;
    maker.output(GetParam().make(maker));

    expect_reference_every_way(maker.network, kSeed);
}

// An image of odd extents, and of channels that fill no vector.
std::string image(NetworkMaker& m, std::int64_t channels = 5) {
    return m.input({-1, channels, 9, 11});
}

Case unary(const std::string& type, const std::map<std::string, Attribute>& attributes = {}) {
    return {type, [=](NetworkMaker& m) { return m.add(type, {image(m)}, attributes); }};
}

Case pool(const std::string& name, const std::string& type,
          const std::map<std::string, Attribute>& attributes) {
    return {name, [=](NetworkMaker& m) { return m.add(type, {image(m)}, attributes); }};
}

Case conv(const std::string& name, std::int64_t inputs, std::int64_t outputs, const Extents& kernel,
          std::int64_t groups, const std::map<std::string, Attribute>& attributes, bool bias) {
    return {name, [=](NetworkMaker& m) {
                auto all = attributes;
                all["group"] = groups;
                std::vector<std::string> given = {
                    image(m, inputs),
                    m.constant({outputs, inputs / groups, kernel[0], kernel[1]}, 0.3)};
                if (bias) given.push_back(m.constant({outputs}));
                return m.add("Conv", given, all);
            }};
}

const Extents kOnes{1, 1, 1, 1};

INSTANTIATE_TEST_SUITE_P(
    Conv, Operators,
    testing::Values(conv("plain", 5, 7, {3, 3}, 1, {}, true),
                    conv("winograd", 32, 48, {3, 3}, 1, {{"pads", kOnes}}, true),
                    conv("without_bias", 16, 16, {3, 3}, 1, {{"pads", kOnes}}, false),
                    conv("one_by_one", 16, 32, {1, 1}, 1, {}, true),
                    conv("strided", 3, 16, {5, 3}, 1, {{"strides", Extents{2, 3}}}, true),
                    conv("dilated", 4, 6, {3, 3}, 1, {{"dilations", Extents{2, 2}}}, true),
                    conv("uneven_pads", 4, 6, {3, 3}, 1, {{"pads", Extents{0, 2, 1, 1}}}, true),
                    conv("same_upper", 4, 6, {4, 2}, 1,
                         {{"auto_pad", "SAME_UPPER"}, {"strides", Extents{2, 2}}}, true),
                    conv("same_lower", 4, 6, {4, 2}, 1,
                         {{"auto_pad", "SAME_LOWER"}, {"strides", Extents{2, 1}}}, true),
                    conv("valid", 4, 6, {2, 2}, 1, {{"auto_pad", "VALID"}}, true),
                    conv("grouped", 12, 18, {3, 3}, 3, {{"pads", kOnes}}, true),
                    conv("depthwise", 10, 10, {3, 3}, 10, {{"pads", kOnes}}, true),
                    conv("depthwise_wide", 32, 32, {3, 3}, 32, {{"strides", Extents{2, 2}}},
                         false)));

INSTANTIATE_TEST_SUITE_P(
    Pools, Operators,
    testing::Values(
        pool("max", "MaxPool", {{"kernel_shape", Extents{3, 3}}, {"strides", Extents{2, 2}}}),
        pool("max_padded", "MaxPool", {{"kernel_shape", Extents{3, 3}}, {"pads", kOnes}}),
        pool("max_dilated", "MaxPool",
             {{"kernel_shape", Extents{2, 2}}, {"dilations", Extents{2, 3}}}),
        pool("max_ceil", "MaxPool",
             {{"kernel_shape", Extents{2, 2}},
              {"strides", Extents{2, 2}},
              {"ceil_mode", std::int64_t{1}}}),
        pool("average", "AveragePool",
             {{"kernel_shape", Extents{2, 3}}, {"pads", Extents{1, 0, 0, 1}}}),
        pool("average_with_padding", "AveragePool",
             {{"kernel_shape", Extents{3, 3}},
              {"pads", kOnes},
              {"count_include_pad", std::int64_t{1}}}),
        pool("average_ceil", "AveragePool",
             {{"kernel_shape", Extents{3, 3}},
              {"strides", Extents{3, 2}},
              {"ceil_mode", std::int64_t{1}}}),
        pool("global", "GlobalAveragePool", {})));

INSTANTIATE_TEST_SUITE_P(
    Pointwise, Operators,
    testing::Values(unary("Relu"), unary("LeakyRelu", {{"alpha", 0.2F}}), unary("Sigmoid"),
                    unary("Tanh"),
                    Case{"Clip",
                         [](NetworkMaker& m) {
                             return m.add("Clip", {image(m), m.number(-0.5), m.number(0.25)});
                         }},
                    Case{"clip_above",
                         [](NetworkMaker& m) {
                             return m.add("Clip", {image(m), "", m.number(0.25)});
                         }},
                    Case{"clip_of_opset_9",
                         [](NetworkMaker& m) {
                             return m.add("Clip", {image(m)}, {{"min", 0.0F}, {"max", 6.0F}});
                         },
                         9},
                    Case{"add",
                         [](NetworkMaker& m) {
                             return m.add("Add", {image(m), image(m)});
                         }},
                    Case{"sub",
                         [](NetworkMaker& m) {
                             return m.add("Sub", {image(m), image(m)});
                         }},
                    Case{"mul",
                         [](NetworkMaker& m) {
                             return m.add("Mul", {image(m), image(m)});
                         }},
                    Case{"add_to_itself",
                         [](NetworkMaker& m) {
                             const std::string x = image(m);
                             return m.add("Add", {x, x});
                         }},
                    Case{"stretched_right",
                         [](NetworkMaker& m) {
                             return m.add("Sub", {image(m), m.input({-1, 5, 1, 1})});
                         }},
                    Case{"stretched_left",
                         [](NetworkMaker& m) {
                             return m.add("Sub", {m.input({-1, 1, 9, 1}), image(m)});
                         }},
                    Case{"constant_per_channel",
                         [](NetworkMaker& m) {
                             return m.add("Mul", {image(m), m.constant({5, 1, 1})});
                         }},
                    Case{"constant_per_column",
                         [](NetworkMaker& m) {
                             return m.add("Add", {m.constant({11}), image(m)});
                         }},
                    Case{"constant_minus",
                         [](NetworkMaker& m) {
                             return m.add("Sub", {m.constant({1, 5, 1, 1}), image(m)});
                         }},
                    Case{"constant_scalar",
                         [](NetworkMaker& m) {
                             return m.add("Mul", {m.number(0.5), m.input({-1, 6})});
                         }},
                    Case{"constant_plane", [](NetworkMaker& m) {
                             return m.add("Add", {image(m), m.constant({9, 11})});
                         }}));

INSTANTIATE_TEST_SUITE_P(
    Dense, Operators,
    testing::Values(
        Case{"gemm",
             [](NetworkMaker& m) {
                 return m.dense(m.input({-1, 9}), 9, 4);
             }},
        Case{"gemm_wide",
             [](NetworkMaker& m) {
                 return m.dense(m.input({-1, 33}), 33, 130);
             }},
        Case{"gemm_with_everything",
             [](NetworkMaker& m) {
                 return m.add("Gemm", {m.input({-1, 9}), m.constant({4, 9}), m.number(1.5)},
                              {{"transB", std::int64_t{1}}, {"alpha", 0.5F}, {"beta", 2.0F}});
             }},
        Case{"gemm_without_c",
             [](NetworkMaker& m) {
                 return m.add("Gemm", {m.input({-1, 9}), m.constant({9, 70})});
             }},
        Case{"matmul_and_add",
             [](NetworkMaker& m) {
                 const std::string y = m.add("MatMul", {m.input({-1, 9}), m.constant({9, 4})});
                 return m.add("Add", {y, m.constant({4})});
             }},
        Case{"matmul_over_rank_three",
             [](NetworkMaker& m) {
                 return m.add("MatMul", {m.input({-1, 3, 9}), m.constant({9, 4})});
             }},
        Case{"matmul_of_two_inputs",
             [](NetworkMaker& m) {
                 return m.add("MatMul", {m.input({-1, 3, 9}), m.input({-1, 9, 4})});
             }},
        Case{"batch_norm", [](NetworkMaker& m) { return m.batch_norm(image(m), 5); }},
        Case{"batch_norm_flat",
             [](NetworkMaker& m) {
                 return m.batch_norm(m.input({-1, 6}), 6);
             }},
        Case{"softmax",
             [](NetworkMaker& m) {
                 return m.add("Softmax", {m.input({-1, 10})});
             }},
        Case{"softmax_over_channels",
             [](NetworkMaker& m) {
                 return m.add("Softmax", {image(m)}, {{"axis", std::int64_t{1}}});
             }},
        Case{"softmax_of_opset_11", [](NetworkMaker& m) { return m.add("Softmax", {image(m)}); },
             11}));

INSTANTIATE_TEST_SUITE_P(
    Layout, Operators,
    testing::Values(
        Case{"flatten", [](NetworkMaker& m) { return m.add("Flatten", {image(m)}); }},
        Case{"flatten_between_layers",
             [](NetworkMaker& m) {
                 const std::string x = m.convolution(image(m), 5, 20, 3);
                 return m.dense(m.add("Flatten", {x}), 20 * 9 * 11, 6);
             }},
        Case{"reshape",
             [](NetworkMaker& m) {
                 return m.add("Reshape", {image(m), m.integers({0, -1, 9})});
             }},
        Case{"reshape_from_minus_one",
             [](NetworkMaker& m) {
                 return m.add("Reshape", {image(m), m.integers({-1, 495})});
             }},
        Case{"transpose_channels_last",
             [](NetworkMaker& m) {
                 return m.add("Transpose", {m.input({-1, 9, 11, 3})},
                              {{"perm", Extents{0, 3, 1, 2}}});
             }},
        Case{"transpose_into_convolution",
             [](NetworkMaker& m) {
                 const std::string x =
                     m.add("Transpose", {m.input({-1, 9, 11, 3})}, {{"perm", Extents{0, 3, 1, 2}}});
                 return m.convolution(x, 3, 16, 3);
             }},
        Case{"concat",
             [](NetworkMaker& m) {
                 return m.add("Concat", {image(m, 3), image(m, 4), image(m, 1)},
                              {{"axis", std::int64_t{1}}});
             }},
        Case{"concat_of_columns",
             [](NetworkMaker& m) {
                 return m.add("Concat", {image(m), image(m)}, {{"axis", std::int64_t{-1}}});
             }},
        Case{"identity", [](NetworkMaker& m) { return m.add("Identity", {image(m)}); }},
        Case{"dropout",
             [](NetworkMaker& m) { return m.add("Relu", {m.add("Dropout", {image(m)})}); }}));

TEST(FixedShapes, RunAsOneCallAtATime) {
    NetworkMaker maker(kSeed);
    const std::string image = maker.input({2, 3, 8, 8});
    maker.output(maker.add("Relu", {maker.convolution(image, 3, 4, 3)}));
    maker.output(maker.add("Transpose", {image}));

    expect_reference_every_way(maker.network, kSeed);
}

TEST(FixedShapes, ComputeAllTheirRowsInLoopsOfOurOwn) {
    NetworkMaker maker(kSeed);
    maker.output(maker.add("Relu", {maker.dense(maker.input({5, 4}), 4, 7)}));
    const std::string image = maker.convolution(maker.input({3, 16, 16, 16}), 16, 32, 3);
    maker.output(maker.add("Relu", {image}));

    expect_reference_every_way(maker.network, kSeed);
}

TEST(FixedShapes, AreTimedWithAllTheirRows) {
    NetworkMaker maker(kSeed);
    maker.output(maker.convolution(maker.input({3, 16, 16, 16}), 16, 32, 3));
    CompareOptions options;
    options.program.timed = true;

    expect_reference(maker.network, kSeed, options);
}

TEST(FixedShapes, MayAddAConstantOfTheirOwnShape) {
    NetworkMaker maker(kSeed);
    const std::string x = maker.input({3, 4});
    maker.output(maker.add(
        "Add", {maker.add("Concat", {x, maker.constant({3, 2})}, {{"axis", std::int64_t{1}}}),
                maker.constant({3, 6})}));

    expect_reference_every_way(maker.network, kSeed);
}

}  // namespace
}  // namespace bunch::test_network
