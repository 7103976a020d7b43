#include "muon/quantised/freeze.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace bunch::muon {
namespace {

Result<IntegerLayer> freeze_layer(const Dense& layer, int bits, int least, int input_exponent,
                                  std::span<const int> output_exponents,
                                  std::span<const std::uint8_t> centres) {
    IntegerLayer made{layer.inputs, layer.outputs, bits, {}, {}, {}};
    for (std::size_t o = 0; o < layer.outputs; ++o) {
        const auto channel = std::span(layer.weights).subspan(o * layer.inputs, layer.inputs);
        int exponent = weight_exponent(channel, bits, least);
        const bool dead =
            std::all_of(channel.begin(), channel.end(), [](float w) { return w == 0; });
        // A unit without weights is a constant: any scale does.
        if (dead) exponent = std::max(exponent, 4 - input_exponent + output_exponents[o]);
        const auto scaled_bias = [&] {
            return std::nearbyint(
                std::ldexp(static_cast<double>(layer.biases[o]), exponent + input_exponent));
        };
        // Weights so small that their scale would make the bias too large hardly matter.
        while (exponent > least && std::abs(scaled_bias()) >= kSumLimit / 2.0) --exponent;
        const double bias = scaled_bias();
        if (!(std::abs(bias) < static_cast<double>(kSumLimit)))
            return invalid_argument(fmt::format(
                "bias {} of a unit is too large for its weights' scale; train with a smaller rate",
                layer.biases[o]));
        std::int32_t folded = static_cast<std::int32_t>(bias);
        for (std::size_t i = 0; i < layer.inputs; ++i) {
            const std::int32_t weight = quantised_weight(channel[i], exponent, bits);
            made.weights.push_back(weight);
            if (!centres.empty()) folded -= weight * centres[i];
        }
        made.biases.push_back(folded);
        made.shifts.push_back(exponent + input_exponent - output_exponents[o]);
    }
    return made;
}

}  // namespace

Result<IntegerNetwork> freeze(const Model& model, Task task) {
    const std::size_t layers = model.network.layers.size();
    if (!model.plan || model.plan->activation_exponents.size() + 1 != layers)
        return invalid_argument(
            "the network is in floating point; 'bunch-muon compress' makes one of integers");
    if (model.network.inputs() != input_count(task, Encoding::folded))
        return invalid_argument("only networks with the folded encoding become integers");
    IntegerNetwork made{task, model.plan->activation_bits, {}};
    int input_exponent = kInputExponent;
    for (std::size_t l = 0; l < layers; ++l) {
        const Dense& layer = model.network.layers[l];
        std::vector<int> exponents(output_exponents(task).begin(), output_exponents(task).end());
        if (l + 1 < layers) exponents.assign(layer.outputs, model.plan->activation_exponents[l]);
        BUNCH_ASSIGN_OR_RETURN(
            IntegerLayer frozen,
            freeze_layer(layer, model.plan->bits_of(l, layers),
                         model.plan->least_exponent(l, kInputExponent), input_exponent, exponents,
                         l == 0 ? feature_centres(task) : std::span<const std::uint8_t>{}));
        made.layers.push_back(std::move(frozen));
        input_exponent = exponents.front();
    }
    BUNCH_RETURN_IF_ERROR(check(made));
    return made;
}

}  // namespace bunch::muon
