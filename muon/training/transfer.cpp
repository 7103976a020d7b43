#include "muon/training/transfer.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "muon/encoding.h"

namespace bunch::muon {
namespace {

constexpr float kCrossPart = 0.3F;

/// The `count` units of layer `l` that the next layer reads most.
std::vector<std::size_t> most_used(const Network& network, std::size_t l, std::size_t count) {
    const Dense& next = network.layers[l + 1];
    std::vector<float> use(next.inputs, 0);
    for (std::size_t i = 0; i < next.weights.size(); ++i)
        use[i % next.inputs] += std::abs(next.weights[i]);
    std::vector<std::size_t> units(next.inputs);
    std::iota(units.begin(), units.end(), std::size_t{0});
    std::stable_sort(units.begin(), units.end(),
                     [&](std::size_t a, std::size_t b) { return use[a] > use[b]; });
    units.resize(count);
    return units;
}

}  // namespace

Status transfer(const Network& recalibration, Network& pair) {
    const auto from_widths = recalibration.widths(), to_widths = pair.widths();
    bool fits = from_widths.size() == to_widths.size() && recalibration.inputs() == kMuonFeatures &&
                pair.inputs() == kPairFeatures;
    for (std::size_t l = 1; fits && l + 1 < to_widths.size(); ++l)
        fits = to_widths[l] % 2 == 0 && to_widths[l] / 2 <= from_widths[l];
    if (!fits)
        return invalid_argument(
            "nothing can be transferred: both networks need the folded encoding and as many hidden "
            "layers, the pair network's even in width and at most twice as wide");
    std::vector<std::size_t> inputs(kMuonFeatures);
    std::iota(inputs.begin(), inputs.end(), std::size_t{0});
    for (std::size_t l = 0; l + 1 < pair.layers.size(); ++l) {
        const Dense& from = recalibration.layers[l];
        Dense& to = pair.layers[l];
        const std::size_t half = to.outputs / 2;
        const auto units = most_used(recalibration, l, half);
        for (float& weight : to.weights) weight *= kCrossPart;
        for (std::size_t side = 0; side < 2; ++side)
            for (std::size_t u = 0; u < half; ++u) {
                const std::size_t row = side * half + u;
                to.biases[row] = from.biases[units[u]];
                for (std::size_t i = 0; i < inputs.size(); ++i)
                    to.weights[row * to.inputs + side * inputs.size() + i] =
                        from.weights[units[u] * from.inputs + inputs[i]];
            }
        inputs = units;
    }
    return ok_status();
}

}  // namespace bunch::muon
