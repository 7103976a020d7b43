#include "backends/xrt/fixed_point/dense_stack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "backends/xrt/fixed_point/arithmetic.h"
#include "tests/backends/xrt/fixed_point/formats.h"
#include "tests/backends/xrt/fixed_point/random_stack.h"
#include "tests/backends/xrt/fixed_point/row_count.h"

namespace bunch::fixed_point {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::uint64_t kSeed = 18311131;
constexpr FixedFormat kQuarters{8, 6, true, Rounding::truncate, Overflow::saturate};

DenseLayer layer_of_quarters(std::uint32_t inputs, std::uint32_t outputs,
                             StackActivation activation, std::vector<std::int64_t> weights,
                             std::vector<std::int64_t> biases) {
    return {inputs,    outputs,   activation,         kQuarters,
            kQuarters, kQuarters, std::move(weights), std::move(biases),
            {}};
}

std::vector<std::int64_t> run(const DenseStack& stack, const std::vector<std::int64_t>& input) {
    std::vector<std::int64_t> output(stack.outputs());
    stack.run(input, output);
    return output;
}

/// The same network in double: the sums of the stacks below stay under 2^53 units, so are exact.
class DoubleStack {
  public:
    explicit DoubleStack(const DenseStack& stack) : stack_(stack) {
        for (const DenseLayer& layer : stack.layers()) {
            weights_.push_back(in_double(layer.weights, layer.weight_format));
            biases_.push_back(in_double(layer.biases, layer.bias_format));
        }
    }

    std::vector<std::int64_t> run(const std::vector<std::int64_t>& input) const {
        std::vector<double> x = in_double(input, stack_.input_format());
        std::vector<std::int64_t> raws;
        for (std::size_t i = 0; i < weights_.size(); ++i) {
            const DenseLayer& layer = stack_.layers()[i];
            raws.clear();
            for (std::uint32_t o = 0; o < layer.outputs; ++o) {
                double sum = biases_[i][o];
                for (std::uint32_t k = 0; k < layer.inputs; ++k)
                    sum += x[k] * weights_[i][o * layer.inputs + k];
                raws.push_back(activated(layer, sum));
            }
            x = in_double(raws, layer.output_format);
        }
        return raws;
    }

  private:
    static std::vector<double> in_double(const std::vector<std::int64_t>& raws,
                                         const FixedFormat& format) {
        const double unit = std::ldexp(1.0, -format.fraction_bits());
        std::vector<double> numbers;
        for (const std::int64_t raw : raws) numbers.push_back(static_cast<double>(raw) * unit);
        return numbers;
    }

    static std::int64_t activated(const DenseLayer& layer, double sum) {
        if (layer.activation == StackActivation::relu) sum = std::fmax(sum, 0);
        if (layer.activation == StackActivation::sigmoid) {
            const double step = std::floor(sum * 64) + 512;
            return layer.table[static_cast<std::size_t>(std::fmin(std::fmax(step, 0), 1023))];
        }
        return quantize(static_cast<std::int64_t>(std::ldexp(sum, kFine)), -kFine,
                        layer.output_format);
    }

    static constexpr int kFine = 24;  // fraction bits of any product below

    const DenseStack& stack_;
    std::vector<std::vector<double>> weights_, biases_;
};

TEST(DenseStack, ComputesAnExampleThatIsDoneByHand) {
    // y0 = max(1.5 * 0.5 - 2 * 0.25 + 1, 0) = 1.25; y1 = max(-1 * 0.5 + 0, 0) = 0
    // z = 2 * 1.25 - 4 * 0 + 0.25 = 2.75
    const auto stack = DenseStack::make(
        kQuarters, {layer_of_quarters(2, 2, StackActivation::relu, {6, -8, -4, 0}, {4, 0}),
                    layer_of_quarters(2, 1, StackActivation::none, {8, -16}, {1})});
    ASSERT_TRUE(stack.ok()) << stack.status().message();

    EXPECT_THAT(run(*stack, {2, 1}), ElementsAre(11));
}

TEST(DenseStack, RoundsEachSumOnceAndOnlyAfterTheActivation) {
    // 0.25 * 0.25 = 1/16 is lost; -1/16 is -0.25 when truncated, but 0 behind a relu.
    const auto make = [](StackActivation activation, std::int64_t weight) {
        return DenseStack::make(kQuarters, {layer_of_quarters(2, 1, activation, {weight, 0}, {0})});
    };
    EXPECT_THAT(run(*make(StackActivation::none, 1), {1, 0}), ElementsAre(0));
    EXPECT_THAT(run(*make(StackActivation::none, -1), {1, 0}), ElementsAre(-1));
    EXPECT_THAT(run(*make(StackActivation::relu, -1), {1, 0}), ElementsAre(0));
    const auto four = DenseStack::make(
        kQuarters, {layer_of_quarters(4, 1, StackActivation::none, {1, 1, 1, 1}, {0})});
    EXPECT_THAT(run(*four, {1, 1, 1, 1}), ElementsAre(1));
}

TEST(DenseStack, ReadsASigmoidFromItsTableAndLimitsTheIndex) {
    const FixedFormat output{18, 2, true, Rounding::nearest_even, Overflow::saturate};
    DenseLayer layer{1,     1,   StackActivation::sigmoid, {16, 8}, {16, 8}, output,
                     {256}, {0}, sigmoid_table(output)};
    const auto stack = DenseStack::make({16, 8}, {layer});
    ASSERT_TRUE(stack.ok()) << stack.status().message();

    for (const double x : {-100.0, -8.0, -1.5, 0.0, 0.25, 3.0, 7.99, 100.0}) {
        const auto raw = static_cast<std::int64_t>(std::floor(x * 256));
        const double y = static_cast<double>(run(*stack, {raw})[0]) / 65536;
        EXPECT_NEAR(y, 1 / (1 + std::exp(-x)), 1.0 / 64 / 4 + 1.0 / 65536) << x;
    }
}

TEST(DenseStack, AgreesWithDoubleForRandomStacks) {
    std::mt19937_64 random(kSeed);
    for (int trial = 0; trial < 300; ++trial) {
        const StackShape shape = random_shape(random);
        const DenseStack stack = random_stack(shape, random_formats(shape, random), random);
        for (int row = 0; row < 20; ++row) {
            std::vector<std::int64_t> input;
            for (std::uint32_t i = 0; i < stack.inputs(); ++i)
                input.push_back(random_raw(stack.input_format(), random));
            ASSERT_EQ(run(stack, input), DoubleStack(stack).run(input))
                << "seed " << kSeed << ", trial " << trial;
        }
    }
}

/// Rows as they lie in the memory of a card. Weights are all over their range, so sums
/// often leave that of the format.
void expect_rows_as_in_double(const StackShape& shape, const FixedFormat& format) {
    constexpr std::size_t kAtOnce = 10'000, kAlign = 8;
    std::mt19937_64 random(kSeed);
    const std::vector<FixedFormat> all(shape.activations.size(), format);
    const DenseStack stack = random_stack(shape, {format, all, all, all}, random);
    const DoubleStack reference(stack);
    const std::size_t in_row = stack.input_stride(kAlign), out_row = stack.output_stride(kAlign);
    std::vector<std::byte> input(kAtOnce * in_row), output(kAtOnce * out_row);
    std::vector<std::vector<std::int64_t>> expected(kAtOnce);
    for (std::size_t done = 0; done < rows_to_compare(); done += kAtOnce) {
        for (std::size_t row = 0; row < kAtOnce; ++row) {
            std::vector<std::int64_t> raws;
            for (std::size_t i = 0; i < stack.inputs(); ++i) {
                raws.push_back(random_raw(format, random));
                store_raw(raws.back(), &input[row * in_row + i * format.stored_bytes()], format);
            }
            expected[row] = reference.run(raws);
        }
        stack.run_stored(input, output, kAtOnce, kAlign);
        for (std::size_t row = 0; row < kAtOnce; ++row)
            for (std::size_t i = 0; i < stack.outputs(); ++i)
                ASSERT_EQ(load_raw(&output[row * out_row + i * format.stored_bytes()], format),
                          expected[row][i])
                    << "seed " << kSeed << ", row " << done + row << ", output " << i;
    }
}

TEST(DenseStack, AgreesWithDoubleForManyRowsOfFacile) {
    const auto relu = StackActivation::relu;
    expect_rows_as_in_double({{18, 31, 11, 3, 1}, {relu, relu, relu, StackActivation::none}},
                             {16, 6, true, Rounding::truncate, Overflow::wrap});
}

TEST(DenseStack, AgreesWithDoubleForManyRowsOfTheMuonNetwork) {
    const auto relu = StackActivation::relu;
    expect_rows_as_in_double({{5, 8, 8, 8, 8, 3}, {relu, relu, relu, relu, StackActivation::none}},
                             {18, 6, true, Rounding::truncate, Overflow::wrap});
}

TEST(DenseStack, RunsRowsAsTheyLieInTheMemoryOfACard) {
    std::mt19937_64 random(kSeed);
    const StackShape shape{{18, 31, 11, 3, 1},
                           {StackActivation::relu, StackActivation::relu, StackActivation::relu,
                            StackActivation::none}};
    const DenseStack stack = random_stack(shape, facile_formats(shape), random);
    EXPECT_EQ(stack.input_stride(8), 40U);
    EXPECT_EQ(stack.output_stride(8), 8U);
    constexpr std::size_t kRows = 50;
    std::vector<std::byte> input(kRows * 40);
    std::vector<std::int64_t> expected;
    for (std::size_t row = 0; row < kRows; ++row) {
        std::vector<std::int64_t> raws;
        for (std::size_t i = 0; i < 18; ++i) {
            raws.push_back(random_raw(stack.input_format(), random));
            store_raw(raws.back(), &input[row * 40 + 2 * i], stack.input_format());
        }
        expected.push_back(run(stack, raws)[0]);
    }

    std::vector<std::byte> output(kRows * 8, std::byte{0x77});
    stack.run_stored(input, output, kRows, 8);

    for (std::size_t row = 0; row < kRows; ++row) {
        EXPECT_EQ(load_raw(&output[row * 8], stack.output_format()), expected[row]);
        EXPECT_EQ(output[row * 8 + 2], std::byte{0}) << "what is after a row is zero";
    }
}

/// A correct layer, spoilt by `change`.
std::string refusal(const std::function<void(DenseLayer&)>& change) {
    DenseLayer layer = layer_of_quarters(2, 1, StackActivation::none, {1, 2}, {3});
    change(layer);
    const auto stack = DenseStack::make(kQuarters, {layer});
    EXPECT_EQ(stack.status().code(), StatusCode::invalid_argument);
    return stack.status().message();
}

TEST(DenseStack, RefusesLayersThatCannotBe) {
    EXPECT_THAT(refusal([](DenseLayer& l) { l.outputs = 0; }), HasSubstr("layer 1: has 2 inputs"));
    EXPECT_THAT(refusal([](DenseLayer& l) { l.inputs = 513; }), HasSubstr("1 to 512"));
    EXPECT_THAT(refusal([](DenseLayer& l) { l.weights.pop_back(); }),
                HasSubstr("has 1 weights, 1 biases and a table of 0; its sizes need 2, 1 and 0"));
    EXPECT_THAT(refusal([](DenseLayer& l) { l.activation = StackActivation::sigmoid; }),
                HasSubstr("need 2, 1 and 1024"));
    EXPECT_THAT(refusal([](DenseLayer& l) { l.weights[0] = 128; }), HasSubstr("a weight does not"));
    EXPECT_THAT(refusal([](DenseLayer& l) { l.biases[0] = -129; }), HasSubstr("a bias does not"));
    EXPECT_THAT(refusal([](DenseLayer& l) { l.bias_format.integer_bits = 3; }),
                HasSubstr("biases have 5 fraction bits, the accumulator 4"));
    EXPECT_THAT(refusal([](DenseLayer& l) { l.output_format.integer_bits = 2; }),
                HasSubstr("outputs have 6 fraction bits, the accumulator 4"));
    EXPECT_THAT(refusal([](DenseLayer& l) { l.output_format.integer_bits = 30; }),
                HasSubstr("outputs have -22 fraction bits and so keep none of the 17 bits"));
    EXPECT_THAT(refusal([](DenseLayer& l) { l.weight_format.total_bits = 33; }),
                HasSubstr("weights: a fixed-point format has 33 bits"));
    EXPECT_THAT(refusal([](DenseLayer& l) {
                    l.activation = StackActivation::sigmoid;
                    l.table.assign(kSigmoidEntries, 128);
                }),
                HasSubstr("a number of the table"));
    EXPECT_THAT(refusal([](DenseLayer& l) {
                    l.activation = StackActivation::sigmoid;
                    l.table.assign(kSigmoidEntries, 0);
                }),
                HasSubstr("at least 6 fraction bits, not 4"));
}

TEST(DenseStack, RefusesAnAccumulatorThatIsTooWide) {
    DenseLayer layer = layer_of_quarters(2, 1, StackActivation::none, {1, 2}, {3});
    layer.weight_format = {32, 30, true, Rounding::truncate, Overflow::wrap};
    const auto fits = DenseStack::make({14, 12}, {layer});
    EXPECT_TRUE(fits.ok()) << fits.status().message();
    const auto wide = DenseStack::make({16, 14}, {layer});
    EXPECT_THAT(wide.status().message(), HasSubstr("an accumulator of 49 bits; at most 48"));
}

TEST(DenseStack, NeverLeavesTheAccumulatorThatItAnnounces) {
    std::mt19937_64 random(kSeed + 1);
    for (int trial = 0; trial < 200; ++trial) {
        const StackShape shape = random_shape(random);
        const StackFormats formats = random_formats(shape, random);
        const DenseStack stack = random_stack(shape, formats, random);
        const DenseLayer& layer = stack.layers()[0];
        // Every product and the bias at its largest magnitude, all of one sign.
        const auto extreme = [](const FixedFormat& format) {
            return format.is_signed ? largest(format) + 1 : largest(format);
        };
        const std::int64_t products =
            std::int64_t{layer.inputs} * extreme(formats.input) * extreme(layer.weight_format);
        const int bias_shift = formats.input.fraction_bits() + layer.weight_format.fraction_bits() -
                               layer.bias_format.fraction_bits();
        const std::int64_t limit = std::int64_t{1} << (accumulator_bits(layer, formats.input) - 1);
        EXPECT_LT(products + (largest(layer.bias_format) << bias_shift), limit);
        EXPECT_LE(products + (extreme(layer.bias_format) << bias_shift), limit);
    }
}

TEST(DenseStack, RefusesLayersThatDoNotFollowEachOther) {
    const auto stack = DenseStack::make(
        kQuarters, {layer_of_quarters(1, 2, StackActivation::none, {1, 2}, {3, 4}),
                    layer_of_quarters(3, 1, StackActivation::none, {1, 2, 3}, {4})});
    EXPECT_THAT(stack.status().message(),
                HasSubstr("layer 2 reads 3 numbers, but the one before it gives 2"));
    EXPECT_THAT(DenseStack::make(kQuarters, {}).status().message(), HasSubstr("has 0 layers"));
}

}  // namespace
}  // namespace bunch::fixed_point
