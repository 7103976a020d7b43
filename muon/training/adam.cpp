#include "muon/training/adam.h"

#include <cmath>
#include <numbers>

namespace bunch::muon {
namespace {

constexpr float kBeta1 = 0.9F, kBeta2 = 0.999F, kEpsilon = 1e-8F;
constexpr double kWarmUp = 0.02, kLastPart = 0.01;

}  // namespace

Adam::Adam(const Network& network) {
    for (const Dense& layer : network.layers) {
        weights_.push_back({std::vector<float>(layer.weights.size(), 0),
                            std::vector<float>(layer.weights.size(), 0)});
        biases_.push_back({std::vector<float>(layer.biases.size(), 0),
                           std::vector<float>(layer.biases.size(), 0)});
    }
}

void Adam::update(const std::vector<float>& gradient, Moments& moments, float rate,
                  std::vector<float>& numbers) const {
    const double t = static_cast<double>(steps_);
    const float first = 1 / static_cast<float>(1 - std::pow(static_cast<double>(kBeta1), t));
    const float second = 1 / static_cast<float>(1 - std::pow(static_cast<double>(kBeta2), t));
    float* const m = moments.first.data();
    float* const v = moments.second.data();
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const float g = gradient[i];
        m[i] = kBeta1 * m[i] + (1 - kBeta1) * g;
        v[i] = kBeta2 * v[i] + (1 - kBeta2) * g * g;
        numbers[i] -= rate * m[i] * first / (std::sqrt(v[i] * second) + kEpsilon);
    }
}

void Adam::step(const Network& gradient, float rate, float decay, Network& network) {
    ++steps_;
    for (std::size_t l = 0; l < network.layers.size(); ++l) {
        std::vector<float>& weights = network.layers[l].weights;
        for (float& weight : weights) weight *= 1 - rate * decay;
        update(gradient.layers[l].weights, weights_[l], rate, weights);
        update(gradient.layers[l].biases, biases_[l], rate, network.layers[l].biases);
    }
}

float scheduled_rate(double peak, double progress) {
    if (progress < kWarmUp) return static_cast<float>(peak * (progress / kWarmUp + kLastPart));
    const double part = (progress - kWarmUp) / (1 - kWarmUp);
    const double cosine = (1 + std::cos(std::numbers::pi * part)) / 2;
    return static_cast<float>(peak * (kLastPart + (1 - kLastPart) * cosine));
}

}  // namespace bunch::muon
