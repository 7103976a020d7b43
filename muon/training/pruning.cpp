#include "muon/training/pruning.h"

#include <algorithm>
#include <cmath>

namespace bunch::muon {

double PruningSchedule::at(double progress) const {
    if (progress >= end) return sparsity;
    if (progress <= begin) return 0;
    const double left = 1 - (progress - begin) / (end - begin);
    return sparsity * (1 - left * left * left);
}

void prune(const Network& network, const std::vector<std::vector<float>>& input_sizes,
           double sparsity, Masks& masks) {
    struct Weight {
        float importance;
        std::size_t layer, index;
    };
    std::vector<Weight> weights;
    std::vector<std::size_t> living(network.layers.size(), 0);
    for (std::size_t l = 0; l < network.layers.size(); ++l) {
        const Dense& layer = network.layers[l];
        for (std::size_t i = 0; i < layer.weights.size(); ++i) {
            const float size = std::abs(layer.weights[i]) * input_sizes[l][i % layer.inputs];
            weights.push_back({masks[l][i] == 0 ? -1 : size, l, i});
            living[l] += masks[l][i];
        }
    }
    std::stable_sort(weights.begin(), weights.end(),
                     [](const Weight& a, const Weight& b) { return a.importance < b.importance; });
    const auto dead = static_cast<std::size_t>(sparsity * static_cast<double>(weights.size()));
    for (std::size_t i = 0; i < dead && i < weights.size(); ++i) {
        std::uint8_t& mask = masks[weights[i].layer][weights[i].index];
        if (mask == 0 || living[weights[i].layer] == 1) continue;
        mask = 0;
        --living[weights[i].layer];
    }
}

void apply_masks(const Masks& masks, Network& network) {
    for (std::size_t l = 0; l < network.layers.size(); ++l)
        for (std::size_t i = 0; i < masks[l].size(); ++i)
            if (masks[l][i] == 0) network.layers[l].weights[i] = 0;
}

Masks full_masks(const Network& network) {
    Masks masks;
    for (const Dense& layer : network.layers) masks.emplace_back(layer.weights.size(), 1);
    return masks;
}

}  // namespace bunch::muon
