#include "muon/training/network.h"

#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "zoo/random.h"

namespace bunch::muon {

std::size_t Network::weights() const {
    std::size_t count = 0;
    for (const Dense& layer : layers) count += layer.weights.size();
    return count;
}

std::size_t Network::nonzero_weights() const {
    std::size_t count = 0;
    for (const Dense& layer : layers)
        count += layer.weights.size() - static_cast<std::size_t>(std::count(
                                            layer.weights.begin(), layer.weights.end(), 0.0F));
    return count;
}

std::vector<std::size_t> Network::widths() const {
    std::vector<std::size_t> all = {inputs()};
    for (const Dense& layer : layers) all.push_back(layer.outputs);
    return all;
}

Network draw_network(std::span<const std::size_t> widths, std::uint64_t seed) {
    BUNCH_CHECK(widths.size() >= 2);
    Random random(seed);
    Network network;
    for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
        Dense layer{widths[i], widths[i + 1], {}, std::vector<float>(widths[i + 1], 0)};
        const double last = i + 2 == widths.size() ? 0.1 : 1;
        const double deviation = last * std::sqrt(2.0 / static_cast<double>(layer.inputs));
        for (std::size_t w = 0; w < layer.inputs * layer.outputs; ++w)
            layer.weights.push_back(static_cast<float>(deviation * random.normal()));
        network.layers.push_back(std::move(layer));
    }
    return network;
}

}  // namespace bunch::muon
