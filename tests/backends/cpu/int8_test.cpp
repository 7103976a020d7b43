// Models in 8 bits: what runs on integers is held against the standard, node by node in floats.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>

#include "backends/cpu/accuracy.h"
#include "backends/cpu/cpu_model.h"
#include "backends/cpu/quantise.h"
#include "tests/backends/graph/quantised_maker.h"
#include "zoo/zoo.h"

namespace bunch::test_network {
namespace {

using testing::HasSubstr;
using testing::Not;
using Model = std::shared_ptr<const cpu::CpuModel>;

std::string temporary_file() {
    return (std::filesystem::path(testing::TempDir()) /
            ("bunch-int8-" + std::to_string(::getpid()) + ".onnx"))
        .string();
}

Result<Model> load_file(const std::string& path, Precision precision, double max_deviation = 1) {
    cpu::CpuModelOptions options;
    options.max_rows = 9;
    options.precision = precision;
    options.max_deviation = max_deviation;
    auto model = cpu::CpuModel::load(path, options);
    std::filesystem::remove(path);
    return model;
}

Result<Model> load(const Network& network, Precision precision, double max_deviation = 1) {
    const std::string path = temporary_file();
    std::ofstream(path, std::ios::binary) << onnx_bytes(network);
    return load_file(path, precision, max_deviation);
}

std::vector<float> normal_numbers(std::size_t count, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0, 2);
    std::vector<float> numbers(count);
    // Quarters of a step of 1/32: halves, at which rounding is decided, are among them.
    for (float& number : numbers) number = std::round(normal(random) * 128) / 128;
    return numbers;
}

// The outputs for `x`, which has `rows` rows.
std::vector<std::vector<float>> run(const Model& model, std::int64_t rows,
                                    const std::vector<float>& x) {
    const auto session = model->open();
    EXPECT_TRUE(session.ok()) << session.status().to_string();
    const Shape shape = model->signature().inputs[0].shape.with_rows(rows);
    const ConstTensorView input(DataType::f32, shape, std::as_bytes(std::span(x)));
    std::vector<std::vector<float>> made;
    std::vector<TensorView> outputs;
    for (const TensorSpec& spec : model->signature().outputs)
        made.emplace_back(*spec.shape.with_rows(rows).elements());
    for (std::size_t o = 0; o < made.size(); ++o)
        outputs.push_back({DataType::f32, model->signature().outputs[o].shape.with_rows(rows),
                           std::as_writable_bytes(std::span(made[o]))});
    std::vector<Shape> ignored;
    const Status status = (*session)->run({&input, 1}, outputs, ignored);
    EXPECT_TRUE(status.ok()) << status.to_string();
    return made;
}

std::vector<std::vector<float>> run(const Model& model, std::int64_t rows, unsigned seed) {
    const Shape shape = model->signature().inputs[0].shape.with_rows(rows);
    return run(model, rows, normal_numbers(*shape.elements(), seed));
}

/// The same network on integers, and node by node in floats.
struct Pair {
    Model integers, floats;

    explicit Pair(const Network& network) {
        auto loaded = load(network, Precision::int8), plain = load(network, Precision::f32);
        EXPECT_TRUE(loaded.ok()) << loaded.status().to_string();
        EXPECT_TRUE(plain.ok()) << plain.status().to_string();
        if (loaded.ok() && plain.ok()) integers = *loaded, floats = *plain;
    }
    explicit operator bool() const { return integers != nullptr; }
};

std::vector<std::string> steps_of(const Model& model) {
    std::vector<std::string> steps;
    for (const cpu::Step& step : model->program()->plans().back().steps)
        steps.push_back(description_of(step));
    return steps;
}

bool has_int8_layer(const Model& model) {
    for (const std::string& step : steps_of(model))
        if (step.find("vnni") != std::string::npos) return true;
    return false;
}

void expect_equal(const Pair& pair, unsigned seed) {
    ASSERT_TRUE(pair);
    EXPECT_TRUE(has_int8_layer(pair.integers));
    for (const std::int64_t rows : {1, 2, 7}) {
        SCOPED_TRACE("seed " + std::to_string(seed) + ", rows " + std::to_string(rows));
        const auto integers = run(pair.integers, rows, seed), floats = run(pair.floats, rows, seed);
        EXPECT_EQ(integers, floats);
    }
}

std::string activation(QuantisedMaker& maker, const std::string& x) {
    switch (maker.between(0, 4)) {
        case 0:
            return x;
        case 1:
            return maker.add("LeakyRelu", {x}, {{"alpha", 0.125F}});
        case 2:
            return maker.add("Clip", {x, maker.number(-0.5), maker.number(1.5)});
        default:
            return maker.add("Relu", {x});
    }
}

// A convolution, rounded or not, perhaps with a sum behind it.
std::string random_block(QuantisedMaker& maker, const std::string& x, std::int64_t channels) {
    const std::int64_t groups = maker.between(0, 5) == 0 ? channels : 1;
    std::string y =
        maker.quantised_convolution(x, channels, channels, 1 + 2 * maker.between(0, 1), 1, groups);
    if (maker.between(0, 3) == 0) y = maker.rounded(activation(maker, y), maker.steps());
    switch (maker.between(0, 4)) {
        case 0:
            y = maker.add("Add", {maker.rounded(y, maker.steps()), x});
            break;
        case 1:
            y = maker.add("Add", {x, y});
            break;
        case 2:
            y = maker.add("Add",
                          {maker.rounded(y, maker.steps()),
                           maker.rounded(maker.quantised_convolution(x, channels, channels, 1),
                                         maker.steps())});
            break;
        case 3:
            y = maker.add("Add", {y, maker.quantised_convolution(x, channels, channels, 1)});
            break;
        default:
            break;
    }
    return maker.rounded(activation(maker, y), maker.steps());
}

Network random_cnn(unsigned seed, bool exact) {
    QuantisedMaker maker(seed, exact);
    const std::int64_t channels = maker.between(0, 1) == 0 ? maker.between(3, 20) : 16;
    std::string x = maker.rounded(maker.input({-1, 3, 16, 16}), maker.steps());
    x = maker.quantised_convolution(x, 3, channels, 3, 2);
    x = maker.rounded(activation(maker, x), maker.steps());
    const std::int64_t blocks = maker.between(1, 3);
    for (std::int64_t i = 0; i < blocks; ++i) {
        x = random_block(maker, x, channels);
        if (maker.between(0, 4) == 0) maker.output(x);
    }
    if (maker.between(0, 1) == 0)
        x = maker.add("MaxPool", {x},
                      {{"kernel_shape", Extents{2, 2}}, {"strides", Extents{2, 2}}});
    x = maker.rounded(maker.add("GlobalAveragePool", {x}), maker.steps());
    x = maker.quantised_dense(maker.add("Flatten", {x}), channels, 10);
    maker.output(maker.between(0, 1) == 0 ? x : maker.rounded(x, maker.steps()));
    return maker.network;
}

class Int8 : public testing::Test {
  protected:
    void SetUp() override {
        if (!cpu::check_precision(Precision::int8).ok())
            GTEST_SKIP() << "this processor has no int8";
    }
};
class Int8Seeds : public testing::TestWithParam<unsigned> {
  protected:
    void SetUp() override {
        if (!cpu::check_precision(Precision::int8).ok())
            GTEST_SKIP() << "this processor has no int8";
    }
};

// Nothing is rounded but to grids, and half of what is lies in the middle between two numbers.
TEST_P(Int8Seeds, NetworksWithScalesThatArePowersOfTwoAgreeWithTheStandardBitByBit) {
    expect_equal(Pair(random_cnn(GetParam(), true)), GetParam());
}

// Where it differs, both are as good: a sum in floats lies on the other side of the middle.
TEST_P(Int8Seeds, EachRoundingDiffersFromTheStandardByOneStepAtMostAndSeldom) {
    QuantisedMaker maker(GetParam(), false);
    const Steps inner = maker.steps(), outer = maker.steps();
    const std::string x = maker.rounded(maker.input({-1, 8, 12, 12}), maker.steps());
    std::string y = maker.quantised_convolution(x, 8, 8, 3);
    const bool sum = GetParam() % 2 == 0;
    if (sum) y = maker.add("Add", {maker.rounded(y, inner), x});
    y = GetParam() % 3 == 0 ? maker.add("Sigmoid", {y}) : activation(maker, y);
    maker.output(maker.rounded(y, outer));
    const Pair pair(maker.network);
    ASSERT_TRUE(pair);

    const auto integers = run(pair.integers, 9, GetParam())[0];
    const auto floats = run(pair.floats, 9, GetParam())[0];

    const double most = 1.01 * (outer.scale + (sum ? inner.scale : 0));
    std::size_t other = 0;
    for (std::size_t i = 0; i < floats.size(); ++i) {
        ASSERT_NEAR(integers[i], floats[i], most) << "seed " << GetParam();
        other += integers[i] != floats[i] ? 1U : 0U;
    }
    EXPECT_TRUE(has_int8_layer(pair.integers));
    EXPECT_LE(other, floats.size() / 200) << "seed " << GetParam();
}

INSTANTIATE_TEST_SUITE_P(All, Int8Seeds, testing::Range(1U, 49U));

TEST_F(Int8, LayersHandIntegersToEachOther) {
    QuantisedMaker maker(3, true);
    const Steps signless{1.0 / 32, 0, false}, anywhere{1.0 / 32, 77, false};
    std::string x = maker.rounded(maker.input({-1, 3, 16, 16}), anywhere);
    x = maker.add("Relu", {maker.quantised_convolution(x, 3, 16, 3)});
    const std::string first = maker.rounded(x, signless);
    x = maker.rounded(maker.quantised_convolution(first, 16, 16, 3), signless);
    x = maker.rounded(maker.quantised_convolution(x, 16, 16, 1), anywhere);
    x = maker.rounded(maker.add("Relu", {maker.add("Add", {x, first})}), signless);
    x = maker.add("MaxPool", {x}, {{"kernel_shape", Extents{2, 2}}, {"strides", Extents{2, 2}}});
    maker.output(maker.rounded(maker.quantised_convolution(x, 16, 16, 1), anywhere));
    const Pair pair(maker.network);
    ASSERT_TRUE(pair);

    const auto steps = steps_of(pair.integers);

    ASSERT_EQ(steps.size(), 7U) << testing::PrintToString(steps);
    EXPECT_THAT(steps.front(), HasSubstr("quantise"));
    EXPECT_THAT(steps[1], HasSubstr("vnni"));
    EXPECT_THAT(steps[2], HasSubstr("vnni"));
    EXPECT_THAT(steps[3], HasSubstr("vnni"));
    EXPECT_THAT(steps[4], HasSubstr("(MaxPool) jit_int"));
    EXPECT_THAT(steps[5], HasSubstr("vnni"));
    EXPECT_THAT(steps.back(), HasSubstr("dequantise"));
    expect_equal(pair, 3);
}

TEST_F(Int8, PassesIntegersFromLayersOnLargeImagesToThoseOnSmallOnes) {
    QuantisedMaker maker(5, true);
    const Steps signless{1.0 / 32, 0, false};
    std::string x = maker.rounded(maker.input({-1, 3, 256, 256}), signless);
    for (std::int64_t inputs = 3, side = 0; side < 2; inputs = 16, ++side) {
        x = maker.add("Relu", {maker.quantised_convolution(x, inputs, 16, 3)});
        x = maker.rounded(x, signless);
    }
    x = maker.add("MaxPool", {x}, {{"kernel_shape", Extents{8, 8}}, {"strides", Extents{8, 8}}});
    const std::string y = maker.rounded(maker.quantised_convolution(x, 16, 16, 3), signless);
    maker.output(maker.rounded(maker.add("Add", {y, x}), signless));
    const Pair pair(maker.network);
    ASSERT_TRUE(pair);

    EXPECT_EQ(pair.integers->program()->stages().size(), 2U);
    expect_equal(pair, 5);
}

TEST_F(Int8, NormalisationBehindALayerIsFoldedIntoItsScales) {
    QuantisedMaker maker(7, false);
    const Steps steps{1.0 / 32, 100, false};
    std::string x = maker.rounded(maker.input({-1, 3, 8, 8}), steps);
    x = maker.batch_norm(maker.quantised_convolution(x, 3, 16, 3), 16);
    maker.output(maker.rounded(maker.add("Relu", {x}), steps));
    const Pair pair(maker.network);
    ASSERT_TRUE(pair);

    const auto integers = run(pair.integers, 4, 7)[0], floats = run(pair.floats, 4, 7)[0];

    EXPECT_EQ(steps_of(pair.integers).size(), 3U);
    EXPECT_THAT(integers, testing::Pointwise(testing::FloatNear(1.01F / 32), floats));
}

TEST_F(Int8, LayersThatAreNotQuantisedInAUsableWayStayInFloats) {
    QuantisedMaker maker(8, true);
    const Steps steps{1.0 / 32, 100, false};
    const std::string x = maker.rounded(maker.input({-1, 8, 8, 8}), steps);
    const auto weights = [&](std::int64_t least, std::int64_t zero) {
        const std::string integers = maker.random_integers({8, 8, 1, 1}, least, least + 255, 2);
        return maker.add("DequantizeLinear", {integers, maker.number(1.0 / 128),
                                              maker.random_integers({}, zero, zero, 2)});
    };
    std::string y = maker.quantised_convolution(x, 8, 8, 1);
    // UINT8 around 128 is as good as INT8; around 3 it is not.
    y = maker.add("Conv", {maker.rounded(y, steps), weights(0, 128)});
    y = maker.rounded(y, steps);
    // Rounded, added to and bounded in floats as well.
    const std::string z = maker.rounded(maker.add("Conv", {y, weights(0, 3)}), steps);
    y = maker.add("Clip", {maker.add("Add", {z, y}), maker.number(-0.5), maker.number(1.5)});
    maker.output(maker.rounded(y, steps));
    const Pair pair(maker.network);
    ASSERT_TRUE(pair);

    std::string all;
    for (const std::string& step : steps_of(pair.integers)) all += step + "\n";
    EXPECT_THAT(all, HasSubstr("avx512_core: oneDNN"));
    EXPECT_THAT(all, HasSubstr("avx512_core_vnni: oneDNN"));
    expect_equal(pair, 8);
}

// Taken out as the last node, it must not take the grid with it.
TEST_F(Int8, AnOutputThatIsRoundedStaysSoWhateverChangesNothingBehindIt) {
    const auto behind = [](QuantisedMaker& maker, const std::string& x, int kind) {
        if (kind == 0) return maker.add("Identity", {x});
        if (kind == 1) return maker.add("Dropout", {x});
        return maker.add("Reshape", {x, maker.integers({-1, 10})});
    };
    for (const int kind : {0, 1, 2})
        for (const bool read_again : {false, true}) {
            QuantisedMaker maker(6, true);
            const Steps steps{1.0 / 4, 3, false};  // rounds much away, and saturates
            std::string x = maker.rounded(maker.input({-1, 20}), {1.0 / 32, 128, false});
            x = maker.rounded(maker.quantised_dense(x, 20, 10), steps);
            maker.output(behind(maker, x, kind));
            if (read_again) maker.output(maker.quantised_dense(x, 10, 7));
            const Pair pair(maker.network);
            SCOPED_TRACE("kind " + std::to_string(kind) + (read_again ? ", read again" : ""));

            expect_equal(pair, 6);

            std::size_t layers = 0;
            for (const std::string& step : steps_of(pair.integers))
                layers += step.find("vnni") != std::string::npos ? 1U : 0U;
            EXPECT_EQ(layers, read_again ? 2U : 1U);
        }
}

TEST_F(Int8, FilesWithoutQuantisationAreRefusedWithTheRemedy) {
    NetworkMaker maker(1);
    maker.output(maker.convolution(maker.input({-1, 3, 6, 6}), 3, 8, 3));

    const auto model = load(maker.network, Precision::int8);

    EXPECT_EQ(model.status().code(), StatusCode::unimplemented);
    EXPECT_THAT(model.status().message(), HasSubstr("between QuantizeLinear and DequantizeLinear"));
    EXPECT_THAT(model.status().message(), HasSubstr("quantize_static()"));
}

TEST_F(Int8, FilesOfWhichNoLayerCanRunOnIntegersAreRefusedWithTheReason) {
    QuantisedMaker maker(1, true);
    const std::string x = maker.rounded(maker.input({-1, 3, 6, 6}), {1.0 / 32, 0, false});
    maker.output(maker.convolution(x, 3, 8, 3));

    const auto model = load(maker.network, Precision::int8);

    EXPECT_THAT(model.status().message(), HasSubstr("no layer can run in int8"));
    EXPECT_THAT(model.status().message(), HasSubstr("(Conv): its weights are not quantised"));
}

TEST_F(Int8, QuantisationThatIsNotUndoneRunsInFloatsAndIsRefusedInInt8WithItsNode) {
    const auto number = [](double value) { return [value](auto& m) { return m.number(value); }; };
    const auto message_of = [&](const auto& build) {
        QuantisedMaker maker(1, true);
        const std::string x = maker.input({-1, 4});
        maker.output(build(maker, x));
        EXPECT_TRUE(load(maker.network, Precision::f32).ok());
        return load(maker.network, Precision::int8).status().message();
    };
    const auto half = number(0.5), quarter = number(0.25);

    EXPECT_THAT(message_of([&](auto& m, auto& x) {
                    return m.add("QuantizeLinear", {x, half(m)});
                }),
                HasSubstr("is what QuantizeLinear makes"));
    EXPECT_THAT(message_of([&](auto& m, auto& x) {
                    const std::string q = m.add("QuantizeLinear", {x, half(m)});
                    return m.add("Cast", {q}, {{"to", std::int64_t{1}}});
                }),
                HasSubstr("(Cast) reads what QuantizeLinear makes without a DequantizeLinear"));
    EXPECT_THAT(message_of([&](auto& m, auto& x) {
                    const std::string q = m.add("QuantizeLinear", {x, half(m)});
                    return m.add("DequantizeLinear", {q, quarter(m)});
                }),
                HasSubstr("(DequantizeLinear) has another scale or zero point"));
    EXPECT_THAT(message_of([&](auto& m, auto& x) {
                    const std::string q = m.add("Cast", {x}, {{"to", std::int64_t{3}}});
                    return m.add("DequantizeLinear", {q, half(m)});
                }),
                Not(testing::IsEmpty()));
    EXPECT_THAT(
        message_of([&](auto& m, auto& x) {
            const std::string scales = m.constant({4}, 1, 0.5);
            const std::string q = m.add("QuantizeLinear", {x, scales}, {{"axis", std::int64_t{1}}});
            return m.add("DequantizeLinear", {q, scales}, {{"axis", std::int64_t{1}}});
        }),
        HasSubstr("has a scale that is not one constant FP32 number"));
    EXPECT_THAT(message_of([&](auto& m, auto& x) {
                    const std::string q = m.add("QuantizeLinear", {x, m.number(-0.5)});
                    return m.add("DequantizeLinear", {q, m.number(-0.5)});
                }),
                HasSubstr("has a scale not above 0"));
}

TEST_F(Int8, QuantisedFilesStillRunInFloatsNodeByNode) {
    const auto model = load(random_cnn(1, false), Precision::f32);

    ASSERT_TRUE(model.ok()) << model.status().to_string();
    EXPECT_EQ((*model)->program(), nullptr);
    EXPECT_THAT((*model)->why_not_planned(), HasSubstr("QuantizeLinear"));
}

TEST_F(Int8, AModelOfTheZooIsCloseToItselfInFloats) {
    const auto model_named = [](const char* name, Precision precision) {
        EXPECT_TRUE(write_zoo_model(name, temporary_file(), 1).ok());
        return *load_file(temporary_file(), precision);
    };
    const Model integers = model_named("small_cnn_int8", Precision::int8);
    const Model floats = model_named("small_cnn", Precision::f32);
    std::mt19937 random(5);
    std::vector<float> x(std::size_t{9} * 3 * 32 * 32);
    for (float& number : x) number = static_cast<float>(random()) * 0x1p-31F - 1;

    const auto given = run(integers, 9, x)[0], exact = run(floats, 9, x)[0];

    float largest = 0;
    for (const float number : exact) largest = std::max(largest, std::abs(number));
    EXPECT_THAT(given, testing::Pointwise(testing::FloatNear(0.05F * largest), exact));
}

TEST_F(Int8, ModelsOutsideTheGateAreRefused) {
    QuantisedMaker maker(9, false);
    const std::string x = maker.rounded(maker.input({-1, 16, 8, 8}), maker.steps());
    maker.output(maker.add("Sigmoid", {maker.quantised_convolution(x, 16, 16, 3)}));

    EXPECT_TRUE(load(maker.network, Precision::int8, 1e-5).ok());
    EXPECT_THAT(load(maker.network, Precision::int8, 1e-12).status().message(),
                HasSubstr("in int8 its outputs differ from those in f32 by"));
}

TEST(Int8DeathTest, ProcessorsWithoutInstructionsForItSaySo) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");  // before oneDNN looks at the processor
    const auto ask = [] {
        ::setenv("DNNL_MAX_CPU_ISA", "AVX512_CORE", 1);
        const Status status = cpu::check_precision(Precision::int8);
        std::fprintf(stderr, "%s\n", status.to_string().c_str());
        std::exit(status.ok() ? 0 : 1);
    };

    EXPECT_EXIT(ask(), testing::ExitedWithCode(1), "no instructions for int8 .AVX512_VNNI.");
}

TEST(QuantiseLoop, DividesRoundsHalfToEvenAndSaturates) {
    if (__builtin_cpu_supports("avx512f") == 0) GTEST_SKIP() << "this processor has no AVX-512";
    for (const long channels : {1L, 2L, 3L, 5L})
        for (const long pixels : {1L, 15L, 16L, 33L, 1030L})
            for (const int least : {0, -128}) {
                const cpu::quantise_kernel::Layer layer{0.3F, least,    least + 255, least + 90,
                                                        3,    channels, pixels};
                const auto count = static_cast<std::size_t>(3 * channels * pixels);
                std::vector<float> x = normal_numbers(count, 1);
                for (float& number : x) number *= 12;
                for (std::size_t i = 0; i < count; i += 7)
                    x[i] = 0.3F * (static_cast<float>(i % 100) + 0.5F);
                x[count / 2] = std::numeric_limits<float>::quiet_NaN();
                x[count - 1] = std::numeric_limits<float>::infinity();
                std::vector<unsigned char> made(count + 16, 0xAB);

                cpu::quantise_kernel::run_avx512(layer, x.data(), made.data());

                const auto plane = static_cast<std::size_t>(pixels);
                const auto planes = static_cast<std::size_t>(channels);
                for (std::size_t i = 0; i < count; ++i) {
                    const std::size_t image = i / (plane * planes), c = i / plane % planes;
                    const std::size_t at = (image * plane + i % plane) * planes + c;
                    const double q = std::nearbyint(static_cast<double>(x[i] / 0.3F)) + layer.zero;
                    const int wanted =
                        std::isnan(q) ? 0
                                      : static_cast<int>(std::clamp<double>(q, least, least + 255));
                    ASSERT_EQ(made[at], static_cast<unsigned char>(wanted)) << i;
                }
                for (std::size_t i = count; i < made.size(); ++i) ASSERT_EQ(made[i], 0xAB);
            }
}

}  // namespace
}  // namespace bunch::test_network
