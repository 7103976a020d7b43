#include "muon/training/quantisation.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace bunch::muon {
namespace {

constexpr int kMostExponent = 16;

Status check_bits(const char* name, int bits) {
    if (bits >= 2 && bits <= 8) return ok_status();
    return invalid_argument(std::string(name) + " of " + std::to_string(bits) +
                            " bits are not possible; choose 2 to 8");
}

}  // namespace

Status check(const QuantisationPlan& plan) {
    if (Status status = check_bits("weights", plan.weight_bits); !status.ok()) return status;
    if (Status status = check_bits("weights of the last layer", plan.last_weight_bits);
        !status.ok())
        return status;
    return check_bits("activations", plan.activation_bits);
}

int weight_exponent(std::span<const float> channel, int bits, int least) {
    float most = 0;
    for (const float weight : channel) most = std::max(most, std::abs(weight));
    if (most == 0) return std::max(0, least);
    const float limit = static_cast<float>((1 << (bits - 1)) - 1) + 0.5F;
    const int exponent = static_cast<int>(std::floor(std::log2(limit / most)));
    return std::clamp(exponent, least, std::max(least, kMostExponent));
}

int quantised_weight(float weight, int exponent, int bits) {
    const float limit = static_cast<float>((1 << (bits - 1)) - 1);
    return static_cast<int>(std::clamp(rounded(std::ldexp(weight, exponent)), -limit, limit));
}

void round_weights(const Dense& layer, int bits, int least, std::span<float> to) {
    const float limit = static_cast<float>((1 << (bits - 1)) - 1);
    for (std::size_t o = 0; o < layer.outputs; ++o) {
        const std::span<const float> channel =
            std::span(layer.weights).subspan(o * layer.inputs, layer.inputs);
        const int exponent = weight_exponent(channel, bits, least);
        const float scale = std::ldexp(1.0F, exponent), step = std::ldexp(1.0F, -exponent);
        float* const out = to.data() + o * layer.inputs;
        for (std::size_t i = 0; i < layer.inputs; ++i)
            out[i] = std::clamp(rounded(channel[i] * scale), -limit, limit) * step;
    }
}

}  // namespace bunch::muon
