// Whole small networks of random make: what fusing, folding and shared memory could get wrong.
#include <gtest/gtest.h>

#include <string>

#include "backends/cpu/accuracy.h"
#include "tests/backends/cpu/compare.h"
#include "tests/backends/graph/network_maker.h"

namespace bunch::test_network {
namespace {

const std::string kActivations[] = {"Relu", "LeakyRelu", "Sigmoid", "Tanh", "Identity"};

std::string activation(NetworkMaker& maker, const std::string& x) {
    return maker.add(kActivations[maker.between(0, 4)], {x});
}

// Convolution, perhaps normalised, perhaps scaled, perhaps added to what came before.
std::string random_block(NetworkMaker& maker, const std::string& x, std::int64_t channels) {
    std::string y = maker.convolution(x, channels, channels, maker.between(0, 1) * 2 + 1, 1);
    if (maker.between(0, 2) > 0) y = maker.batch_norm(y, channels);
    if (maker.between(0, 3) == 0) y = maker.add("Mul", {y, maker.constant({channels, 1, 1})});
    const std::int64_t sum = maker.between(0, 3);
    if (sum == 1) y = maker.add("Add", {x, y});
    if (sum == 2) y = maker.add("Add", {y, maker.convolution(x, channels, channels, 1)});
    if (sum == 3) y = maker.add("Add", {activation(maker, y), x});
    return activation(maker, y);
}

Network random_cnn(unsigned seed) {
    NetworkMaker maker(seed);
    const std::int64_t channels = maker.between(0, 1) == 0 ? maker.between(3, 20) : 16;
    std::string x = maker.input({-1, 3, maker.between(8, 14), maker.between(8, 14)});
    x = activation(maker, maker.convolution(x, 3, channels, 3, maker.between(1, 2)));
    const std::int64_t blocks = maker.between(1, 4);
    for (std::int64_t i = 0; i < blocks; ++i) {
        x = random_block(maker, x, channels);
        // Sometimes what a block made is also an answer, so nothing may write over it.
        if (maker.between(0, 4) == 0) maker.output(x);
    }
    x = maker.add("GlobalAveragePool", {x});
    maker.output(maker.add("Softmax", {maker.dense(maker.add("Flatten", {x}), channels, 10)}));
    return maker.network;
}

Network random_mlp(unsigned seed) {
    NetworkMaker maker(seed);
    std::int64_t width = maker.between(1, 90);
    std::string x = maker.input({-1, width});
    if (maker.between(0, 1) == 0) x = maker.batch_norm(x, width);
    const std::int64_t layers = maker.between(1, 6);
    for (std::int64_t i = 0; i < layers; ++i) {
        const std::int64_t next = maker.between(1, 90);
        std::string y = maker.dense(x, width, next);
        if (maker.between(0, 1) == 0) y = maker.batch_norm(y, next);
        if (next == width && maker.between(0, 1) == 0) y = maker.add("Add", {x, y});
        x = activation(maker, y);
        width = next;
    }
    maker.output(x);
    return maker.network;
}

class Seeds : public testing::TestWithParam<unsigned> {};

TEST_P(Seeds, RandomCnnAgreesWithTheReference) {
    expect_reference_every_way(random_cnn(GetParam()), GetParam());
}

TEST_P(Seeds, RandomMlpAgreesWithTheReference) {
    expect_reference_every_way(random_mlp(GetParam()), GetParam());
}

// bf16 has 8 bits: errors of 2^-9 per number, a few layers deep.
TEST_P(Seeds, RandomNetworksInBf16AreCloseToTheReference) {
    if (!cpu::check_precision(Precision::bf16).ok()) GTEST_SKIP() << "this processor has no bf16";
    CompareOptions options;
    options.program.planner.precision = Precision::bf16;
    options.tolerance = 0.05;

    expect_reference(random_cnn(GetParam()), GetParam(), options);
    options.program.planner.fused_mlp = false;
    expect_reference(random_mlp(GetParam()), GetParam(), options);
}

INSTANTIATE_TEST_SUITE_P(All, Seeds, testing::Range(1U, 25U));

TEST(Batches, OfManyRowsAreCutIntoPlansOfFew) {
    NetworkMaker maker(3);
    maker.output(maker.convolution(maker.input({-1, 3, 6, 6}), 3, 8, 3));
    CompareOptions options;
    options.max_rows = 13;
    options.program.micro_rows = 4;

    expect_reference(maker.network, 3, options);
}

TEST(Batches, OfFewRowsGoThroughWideDenseLayersAsOthersDo) {
    for (const std::int64_t outputs : {65, 256, 263}) {
        NetworkMaker maker(9);
        std::string x = maker.input({-1, 1030});
        x = maker.add("Sigmoid", {maker.dense(x, 1030, outputs)});
        // Without bias.
        x = maker.add("MatMul", {x, maker.constant({outputs, 1050}, 0.1)});
        maker.output(maker.add("LeakyRelu", {x}));

        expect_reference_every_way(maker.network, 9);
    }
}

TEST(Batches, LayersThatShareWeightsKeepTheirOwnBias) {
    NetworkMaker maker(10);
    const std::string weights = maker.constant({300, 300}, 0.06);
    const std::string x =
        maker.add("Gemm", {maker.input({-1, 300}), weights, maker.constant({300})});
    maker.output(maker.add("Gemm", {x, weights, maker.constant({300})}));

    expect_reference_every_way(maker.network, 10);
}

TEST(Batches, ResidualThatIsTheModelsInputIsNotOverwritten) {
    NetworkMaker maker(4);
    const std::string x = maker.input({-1, 16, 6, 6});
    const std::string y =
        maker.add("Relu", {maker.add("Add", {maker.convolution(x, 16, 16, 3), x})});
    maker.output(maker.add("Add", {y, x}));

    expect_reference_every_way(maker.network, 4);
}

}  // namespace
}  // namespace bunch::test_network
