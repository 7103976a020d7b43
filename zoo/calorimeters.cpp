// Convolutional networks on the cells of detectors: DeepCalo, ProtoDUNE's hits, DeepTau.
#include "zoo/models.h"

namespace bunch {
namespace {

std::string conv_block(OnnxBuilder& net, const std::string& x, std::int64_t inputs,
                       std::int64_t outputs) {
    return net.relu(
        net.batch_norm(net.convolution(x, inputs, outputs, {3, 1, 1}), outputs, {2, 1}));
}

}  // namespace

void build_deepcalo(OnnxBuilder& net) {
    std::string x = conv_block(net, net.input("input", {4, 56, 11}), 4, 16);
    std::int64_t width = 16;
    for (const std::int64_t wider : {32, 64}) {  // on 28x5 and 14x2 cells
        x = net.max_pool(x, {2, 2, 0});
        x = conv_block(net, conv_block(net, x, width, wider), wider, wider);
        width = wider;
    }
    x = conv_block(net, conv_block(net, x, 64, 128), 128, 128);
    x = net.relu(net.dense(net.flatten(x), 128 * 14 * 2, 512));
    x = net.relu(net.dense(x, 512, 128));
    net.output(net.dense(x, 128, 1), "energy", {1});
}

void build_protodune(OnnxBuilder& net) {
    std::string x = net.input("input", {1, 48, 48});
    x = net.relu(net.plain_convolution(x, 1, 24, {5, 5}, 2));
    x = net.relu(net.plain_convolution(x, 24, 48, {3, 3}, 2));
    x = net.relu(net.dense(net.flatten(x), 48 * 10 * 10, 128));
    x = net.relu(net.dense(x, 128, 32));
    const std::string kind =
        net.apply("Softmax", {net.dense(x, 32, 3)}, {{"axis", std::int64_t{1}}});
    const std::string michel = net.apply("Sigmoid", {net.dense(x, 32, 1)});
    net.output(net.apply("Concat", {kind, michel}, {{"axis", std::int64_t{1}}}), "output", {4});
}

namespace {

/// A grid of `side` x `side` cells to 72 numbers.
std::string build_grid(OnnxBuilder& net, const std::string& name, std::int64_t side) {
    constexpr std::int64_t kCell = 228, kWidth = 72;
    std::string x = net.input(name, {kCell, side, side});
    x = net.relu(net.plain_convolution(x, kCell, 160, {1, 1}));
    x = net.relu(net.plain_convolution(x, 160, kWidth, {1, 1}));
    for (; side > 1; side -= 2) x = net.relu(net.plain_convolution(x, kWidth, kWidth, {3, 3}));
    return net.flatten(x);
}

}  // namespace

void build_deeptau(OnnxBuilder& net) {
    const std::string tau = net.input("tau", {47});
    std::string x = net.relu(net.dense(net.relu(net.dense(tau, 47, 57)), 57, 57));
    const std::string inner = build_grid(net, "inner", 11), outer = build_grid(net, "outer", 21);
    x = net.apply("Concat", {x, inner, outer}, {{"axis", std::int64_t{1}}});
    std::int64_t width = 57 + 2 * 72;
    for (int layer = 0; layer < 4; ++layer) {
        x = net.relu(net.dense(x, width, 256));
        width = 256;
    }
    net.output(net.apply("Softmax", {net.dense(x, 256, 4)}, {{"axis", std::int64_t{1}}}), "output",
               {4});
}

}  // namespace bunch
