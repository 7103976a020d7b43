#include "zoo/models.h"

namespace bunch {
namespace {

/// Jet images are nearly empty. An image normalisation is folded into the first convolution, so
/// that what follows sees numbers of order one and answers differ clearly from jet to jet.
constexpr double kImageScale = 128;

/// The branch of a residual block enters its sum with this deviation, so that sixteen sums do not
/// add up to large numbers.
constexpr double kBranchGain = 0.35;

/// Mean square behind batch normalisation and ReLU.
constexpr double kRectified = 0.5;

/// A value and the mean square that it is expected to have. He-initialised weights double it.
struct Activation {
    std::string name;
    double mean_square = 1;
};

/// Convolution, batch normalisation.
std::string conv_norm(OnnxBuilder& net, const Activation& x, std::int64_t inputs,
                      std::int64_t outputs, Window window, double gain = 1) {
    const std::string y = net.convolution(x.name, inputs, outputs, window);
    return net.batch_norm(y, outputs, {2 * x.mean_square, gain});
}

/// 1x1, 3x3 with the stride, 1x1; the shortcut has a convolution where the shape changes.
Activation bottleneck(OnnxBuilder& net, const Activation& x, std::int64_t inputs,
                      std::int64_t width, std::int64_t stride) {
    const std::int64_t outputs = 4 * width;
    const Activation a = {net.relu(conv_norm(net, x, inputs, width, {1, 1, 0})), kRectified};
    const Activation b = {net.relu(conv_norm(net, a, width, width, {3, stride, 1})), kRectified};
    const std::string branch = conv_norm(net, b, width, outputs, {1, 1, 0}, kBranchGain);
    if (inputs == outputs && stride == 1)
        return {net.relu(net.add(branch, x.name)), x.mean_square + kBranchGain * kBranchGain};
    const std::string shortcut = conv_norm(net, x, inputs, outputs, {1, stride, 0});
    return {net.relu(net.add(branch, shortcut)), kRectified * (1 + kBranchGain * kBranchGain)};
}

}  // namespace

void build_resnet50(OnnxBuilder& net) {
    const std::string image = net.input("input", {3, 224, 224});
    const std::string stem = net.convolution(image, 3, 64, {7, 2, 3}, kImageScale);
    const std::string rectified = net.relu(net.batch_norm(stem, 64, {1, 1}));
    Activation x = {net.max_pool(rectified, {3, 2, 1}), 1};

    struct Stage {
        std::int64_t blocks, width, stride;
    };
    std::int64_t channels = 64;
    for (const Stage& stage :
         {Stage{3, 64, 1}, Stage{4, 128, 2}, Stage{6, 256, 2}, Stage{3, 512, 2}}) {
        for (std::int64_t block = 0; block < stage.blocks; ++block) {
            x = bottleneck(net, x, channels, stage.width, block == 0 ? stage.stride : 1);
            channels = 4 * stage.width;
        }
    }
    const std::string features = net.flatten(net.global_average_pool(x.name));
    net.output(net.dense(features, channels, 1000), "logits", {1000});
}

}  // namespace bunch
