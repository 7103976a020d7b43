#include "muon/training/gradient.h"

#include <algorithm>
#include <cmath>

#include "muon/parallel.h"
#include "muon/training/forward.h"
#include "muon/training/loss.h"
#include "muon/training/matrix.h"

namespace bunch::muon {
namespace {

// Below this a second thread costs more than it saves.
constexpr std::size_t kLargeNetwork = 20'000;
constexpr std::size_t kShards = 4;

/// Stops the gradient where ReLU or the largest integer cut the activation. With rounding that is
/// the activation as hardware has it: what is rounded to 0 counts as cut, too.
void mask(std::span<const float> activation, float most, std::span<float> delta) {
    for (std::size_t i = 0; i < delta.size(); ++i)
        delta[i] = activation[i] > 0 && activation[i] < most ? delta[i] : 0;
}

void add(const Network& other, Network& sum) {
    for (std::size_t l = 0; l < sum.layers.size(); ++l) {
        Dense& to = sum.layers[l];
        const Dense& from = other.layers[l];
        for (std::size_t i = 0; i < to.weights.size(); ++i) to.weights[i] += from.weights[i];
        for (std::size_t i = 0; i < to.biases.size(); ++i) to.biases[i] += from.biases[i];
    }
}

}  // namespace

GradientRun::GradientRun(const Network& network, const Dataset& dataset, std::size_t batch,
                         float distillation, unsigned threads)
    : network_(network), dataset_(dataset), distillation_(distillation), threads_(threads) {
    shards_.resize(network.weights() > kLargeNetwork ? kShards : 1);
    const std::size_t rows = (batch + shards_.size() - 1) / shards_.size();
    std::size_t widest = 0;
    for (const std::size_t width : network.widths()) widest = std::max(widest, width);
    for (Shard& shard : shards_) {
        for (const std::size_t width : network.widths())
            shard.activations.emplace_back(rows * width);
        for (auto* numbers : {&shard.targets, &shard.weights, &shard.soft})
            numbers->resize(rows * dataset.outputs);
        shard.delta.resize(rows * widest);
        shard.next_delta.resize(rows * widest);
        shard.gradient = network;
    }
    for (const Dense& layer : network.layers) effective_.push_back(layer.weights);
}

const Network& GradientRun::of(std::span<const std::uint32_t> rows, const QuantisationPlan* plan) {
    for (std::size_t l = 0; l < effective_.size(); ++l) {
        if (plan != nullptr)
            round_weights(network_.layers[l], plan->bits_of(l, effective_.size()),
                          plan->least_exponent(l, kInputExponent), effective_[l]);
        else
            std::copy(network_.layers[l].weights.begin(), network_.layers[l].weights.end(),
                      effective_[l].begin());
    }
    const float scale = 1 / static_cast<float>(rows.size());
    const std::size_t part = (rows.size() + shards_.size() - 1) / shards_.size();
    for_each_piece(shards_.size(), threads_, [&](std::size_t s) {
        const std::size_t begin = std::min(s * part, rows.size());
        run(shards_[s], rows.subspan(begin, std::min(part, rows.size() - begin)), plan, scale);
    });
    for (std::size_t s = 1; s < shards_.size(); ++s)
        add(shards_[s].gradient, shards_.front().gradient);
    return shards_.front().gradient;
}

void GradientRun::run(Shard& shard, std::span<const std::uint32_t> rows,
                      const QuantisationPlan* plan, float scale) {
    gather(shard, rows);
    forward(shard, rows.size(), plan);
    const std::size_t numbers = rows.size() * dataset_.outputs;
    const auto first = [&](const std::vector<float>& all) {
        return std::span(all).first(all.empty() ? 0 : numbers);
    };
    LossInput input{first(shard.activations.back()),
                    first(shard.targets),
                    first(shard.weights),
                    {},
                    distillation_};
    if (!dataset_.soft.empty()) input.soft = first(shard.soft);
    loss_gradient(dataset_.task, input, scale, std::span(shard.delta).first(numbers));
    backward(shard, rows.size(), plan);
}

void GradientRun::gather(Shard& shard, std::span<const std::uint32_t> rows) const {
    const std::size_t inputs = dataset_.inputs, outputs = dataset_.outputs;
    const auto copy = [](const std::vector<float>& from, std::size_t row, std::size_t columns,
                         std::vector<float>& to, std::size_t place) {
        std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(row * columns), columns,
                    to.begin() + static_cast<std::ptrdiff_t>(place * columns));
    };
    for (std::size_t r = 0; r < rows.size(); ++r) {
        copy(dataset_.x, rows[r], inputs, shard.activations[0], r);
        copy(dataset_.targets, rows[r], outputs, shard.targets, r);
        copy(dataset_.weights, rows[r], outputs, shard.weights, r);
        if (!dataset_.soft.empty()) copy(dataset_.soft, rows[r], outputs, shard.soft, r);
    }
}

void GradientRun::forward(Shard& shard, std::size_t rows, const QuantisationPlan* plan) const {
    for (std::size_t l = 0; l < effective_.size(); ++l) {
        const Dense& layer = network_.layers[l];
        std::vector<float>& z = shard.activations[l + 1];
        multiply(shard.activations[l].data(), effective_[l].data(), z.data(), rows, layer.inputs,
                 layer.outputs);
        const auto used = std::span(z).first(rows * layer.outputs);
        if (l + 1 == effective_.size())
            add_biases(layer, used);
        else
            activate(layer, plan, plan == nullptr ? 0 : plan->activation_exponents[l], used);
    }
}

void GradientRun::backward(Shard& shard, std::size_t rows, const QuantisationPlan* plan) const {
    for (std::size_t l = effective_.size(); l-- > 0;) {
        const Dense& layer = network_.layers[l];
        Dense& gradient = shard.gradient.layers[l];
        multiply_gradient(shard.delta.data(), shard.activations[l].data(), gradient.weights.data(),
                          rows, layer.inputs, layer.outputs);
        std::fill(gradient.biases.begin(), gradient.biases.end(), 0.0F);
        for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t o = 0; o < layer.outputs; ++o)
                gradient.biases[o] += shard.delta[r * layer.outputs + o];
        if (l == 0) return;
        multiply_back(shard.delta.data(), effective_[l].data(), shard.next_delta.data(), rows,
                      layer.inputs, layer.outputs);
        const float most = plan == nullptr
                               ? INFINITY
                               : std::ldexp(static_cast<float>((1 << plan->activation_bits) - 1),
                                            -plan->activation_exponents[l - 1]);
        const std::size_t numbers = rows * layer.inputs;
        mask(std::span(shard.activations[l]).first(numbers), most,
             std::span(shard.next_delta).first(numbers));
        std::swap(shard.delta, shard.next_delta);
    }
}

}  // namespace bunch::muon
