#include "muon/training/loss.h"

#include <cmath>

namespace bunch::muon {
namespace {

float tanh_of(float x) {
    const float e = std::exp(-2 * std::abs(x));
    return std::copysign((1 - e) / (1 + e), x);
}

double log_cosh(double x) {
    return std::abs(x) + std::log1p(std::exp(-2 * std::abs(x))) - std::log(2.0);
}

float sigmoid(float x) {
    return 1 / (1 + std::exp(-x));
}

/// Cross entropy of a logit against a probability, without overflow.
double cross_entropy(double logit, double probability) {
    return std::max(logit, 0.0) - logit * probability + std::log1p(std::exp(-std::abs(logit)));
}

}  // namespace

double loss_of(Task task, const LossInput& input) {
    const auto number = [](float x) { return static_cast<double>(x); };
    const double part = input.soft.empty() ? 0 : number(input.distillation);
    double sum = 0;
    for (std::size_t i = 0; i < input.outputs.size(); ++i) {
        const double y = number(input.outputs[i]), t = number(input.targets[i]);
        const double w = number(input.weights[i]);
        if (task == Task::recalibration) {
            sum += (1 - part) * log_cosh(w * (y - t));
            if (part > 0) sum += part * log_cosh(w * (y - number(input.soft[i])));
        } else {
            const double soft = part > 0 ? number(sigmoid(input.soft[i])) : 0;
            sum += w * cross_entropy(y, (1 - part) * t + part * soft);
        }
    }
    return sum / static_cast<double>(input.outputs.size());
}

void loss_gradient(Task task, const LossInput& input, float scale, std::span<float> gradient) {
    const float part = input.soft.empty() ? 0 : input.distillation;
    for (std::size_t i = 0; i < gradient.size(); ++i) {
        const float y = input.outputs[i], t = input.targets[i], w = input.weights[i];
        if (task == Task::recalibration) {
            float g = (1 - part) * tanh_of(w * (y - t));
            if (part > 0) g += part * tanh_of(w * (y - input.soft[i]));
            gradient[i] = scale * w * g;
        } else {
            const float soft = part > 0 ? sigmoid(input.soft[i]) : 0;
            gradient[i] = scale * w * (sigmoid(y) - (1 - part) * t - part * soft);
        }
    }
}

}  // namespace bunch::muon
