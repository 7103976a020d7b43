#include "zoo/models.h"

namespace bunch {

void build_facile(OnnxBuilder& net) {
    std::string x = net.input("input", {47});
    x = net.relu(net.dense(x, 47, 31));
    x = net.relu(net.dense(x, 31, 11));
    x = net.relu(net.dense(x, 11, 3));
    net.output(net.dense(x, 3, 1), "output", {1});
}

namespace {

/// Four hidden layers of 8 with batch normalisation.
void build_student(OnnxBuilder& net, std::int64_t inputs, std::int64_t outputs) {
    std::string x = net.input("input", {inputs});
    std::int64_t width = inputs;
    for (int layer = 0; layer < 4; ++layer) {
        x = net.relu(net.batch_norm(net.dense(x, width, 8), 8, {layer == 0 ? 2.0 : 1.0, 1}));
        width = 8;
    }
    net.output(net.dense(x, 8, outputs), "output", {outputs});
}

}  // namespace

void build_muon(OnnxBuilder& net) {
    build_student(net, 5, 3);
}

void build_muon_pair(OnnxBuilder& net) {
    build_student(net, 10, 1);
}

namespace {

void build_dense(OnnxBuilder& net, const std::vector<std::int64_t>& widths) {
    std::string x = net.input("input", {widths.front()});
    for (std::size_t i = 1; i < widths.size(); ++i) {
        x = net.dense(x, widths[i - 1], widths[i]);
        if (i + 1 < widths.size()) x = net.relu(x);
    }
    net.output(x, "output", {widths.back()});
}

}  // namespace

void build_mlp_27(OnnxBuilder& net) {
    build_dense(net, {27, 32, 32, 16, 1});
}

void build_mlp_30(OnnxBuilder& net) {
    build_dense(net, {30, 64, 64, 64, 3});
}

void build_mlp_784(OnnxBuilder& net) {
    build_dense(net, {784, 1024, 1024, 512, 10});
}

void build_trees(OnnxBuilder& net) {
    const std::string x = net.input("input", {30});
    net.output(net.trees(x, 30, 200, 6), "output", {1});
}

void build_small_cnn(OnnxBuilder& net) {
    const std::string image = net.input("input", {3, 32, 32});
    std::string x = net.batch_norm(net.convolution(image, 3, 8, {3, 1, 1}), 8, {2, 1});
    x = net.max_pool(net.relu(x), {3, 2, 1});
    const std::string branch = net.batch_norm(net.convolution(x, 8, 8, {3, 1, 1}), 8, {1, 0.5});
    x = net.relu(net.add(branch, x));
    x = net.relu(net.batch_norm(net.convolution(x, 8, 16, {3, 2, 1}), 16, {1, 1}));
    x = net.flatten(net.global_average_pool(x));
    net.output(net.dense(x, 16, 10), "logits", {10});
}

}  // namespace bunch
