// Models in 8 bits: those in floats, quantised.
#include <algorithm>

#include "zoo/jets.h"
#include "zoo/models.h"
#include "zoo/quantise.h"
#include "zoo/random.h"

namespace bunch {
namespace {

constexpr int kJets = 4, kNoise = 8;

std::vector<float> noise(std::size_t count, Random& random) {
    std::vector<float> numbers(count);
    for (float& number : numbers) number = static_cast<float>(random.uniform(-1, 1));
    return numbers;
}

}  // namespace

void build_resnet50_int8(OnnxBuilder& net) {
    build_resnet50(net);
    const auto side = static_cast<std::int64_t>(kJetImageSide);
    Examples examples{3, side, side, {}};
    for (int i = 0; i < kJets; ++i)
        examples.images.push_back(jet_image(i % 2 == 0 ? JetKind::top : JetKind::qcd, net.draw()));
    net.replace(quantise(net.model(), examples));
}

void build_small_cnn_int8(OnnxBuilder& net) {
    build_small_cnn(net);
    Examples examples{3, 32, 32, {}};
    Random random(net.draw());
    for (int i = 0; i < kNoise; ++i)
        examples.images.push_back(noise(std::size_t{3} * 32 * 32, random));
    net.replace(quantise(net.model(), examples));
}

}  // namespace bunch
