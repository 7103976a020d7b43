#include "muon/quantised/integer_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/check.h"
#include "muon/parallel.h"

namespace bunch::muon {
namespace {

constexpr std::size_t kChunk = 8192;

Status check_layer(const IntegerLayer& layer, std::size_t number, int input_bits) {
    const auto wrong = [&](const std::string& what) {
        return invalid_argument(fmt::format("layer {}: {}", number, what));
    };
    if (layer.outputs == 0 || layer.weights.size() != layer.inputs * layer.outputs ||
        layer.biases.size() != layer.outputs || layer.shifts.size() != layer.outputs)
        return wrong("its weights, biases and shifts are not as many as its widths say");
    if (layer.weight_bits < 2 || layer.weight_bits > 8)
        return wrong(fmt::format("weights of {} bits; 2 to 8 are possible", layer.weight_bits));
    const int limit = (1 << (layer.weight_bits - 1)) - 1;
    for (const std::int32_t weight : layer.weights)
        if (std::abs(weight) > limit)
            return wrong(fmt::format("weight {} is beyond {} bits", weight, layer.weight_bits));
    for (std::size_t o = 0; o < layer.outputs; ++o) {
        if (layer.shifts[o] < 1 || layer.shifts[o] > kMostShift)
            return wrong(fmt::format(
                "output {} is shifted by {}; 1 to {} are possible (train it with more bits)", o,
                layer.shifts[o], kMostShift));
        if (const std::int64_t sum = largest_sum(layer, o, input_bits); sum >= kSumLimit)
            return wrong(fmt::format(
                "the sum of output {} can reach {}, the limit is {} (use fewer bits or inputs)", o,
                sum, kSumLimit));
    }
    return ok_status();
}

std::int32_t rounded_shift(std::int32_t sum, int shift) {
    return (sum + (1 << (shift - 1))) >> shift;
}

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
        const double bias = std::nearbyint(
            std::ldexp(static_cast<double>(layer.biases[o]), exponent + input_exponent));
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

std::size_t IntegerNetwork::nonzero_weights() const {
    std::size_t count = 0;
    for (const IntegerLayer& layer : layers)
        for (const std::int32_t weight : layer.weights) count += weight != 0 ? 1 : 0;
    return count;
}

std::size_t IntegerNetwork::weight_bits() const {
    std::size_t bits = 0;
    for (const IntegerLayer& layer : layers)
        for (const std::int32_t weight : layer.weights)
            bits += weight != 0 ? static_cast<std::size_t>(layer.weight_bits) : 0;
    return bits;
}

std::int64_t largest_sum(const IntegerLayer& layer, std::size_t o, int input_bits) {
    std::int64_t sum = std::abs(std::int64_t{layer.biases[o]});
    for (std::size_t i = 0; i < layer.inputs; ++i)
        sum +=
            std::abs(std::int64_t{layer.weights[o * layer.inputs + i]}) * ((1 << input_bits) - 1);
    return sum;
}

Status check(const IntegerNetwork& network) {
    if (network.activation_bits < 2 || network.activation_bits > 8)
        return invalid_argument(fmt::format(
            "activations of {} bits are not possible; choose 2 to 8", network.activation_bits));
    if (network.layers.empty()) return invalid_argument("a network needs at least one layer");
    std::size_t width = input_count(network.task, Encoding::folded);
    int bits = 8;
    for (std::size_t l = 0; l < network.layers.size(); ++l) {
        const IntegerLayer& layer = network.layers[l];
        if (layer.inputs != width)
            return invalid_argument(fmt::format(
                "layer {} has {} inputs; what is before it gives {}", l, layer.inputs, width));
        BUNCH_RETURN_IF_ERROR(check_layer(layer, l, bits));
        width = layer.outputs;
        bits = network.activation_bits;
    }
    if (width == output_count(network.task)) return ok_status();
    return invalid_argument(fmt::format("the last layer has {} outputs; {} needs {}", width,
                                        name_of(network.task), output_count(network.task)));
}

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

void run(const IntegerNetwork& network, std::span<const std::uint8_t> features,
         std::span<std::int32_t> outputs) {
    thread_local std::vector<std::int32_t> a, y;
    a.assign(features.begin(), features.end());
    for (std::size_t l = 0; l < network.layers.size(); ++l) {
        const IntegerLayer& layer = network.layers[l];
        const bool last = l + 1 == network.layers.size();
        y.resize(layer.outputs);
        for (std::size_t o = 0; o < layer.outputs; ++o) {
            const std::int32_t* const weights = layer.weights.data() + o * layer.inputs;
            std::int32_t sum = layer.biases[o];
            for (std::size_t i = 0; i < layer.inputs; ++i) sum += weights[i] * a[i];
            const std::int32_t value = rounded_shift(sum, layer.shifts[o]);
            y[o] = last ? std::clamp(value, -kOutputLimit, kOutputLimit)
                        : std::clamp(value, 0, (1 << network.activation_bits) - 1);
        }
        std::swap(a, y);
    }
    std::copy(a.begin(), a.end(), outputs.begin());
}

std::array<std::int32_t, 3> finish(const L1Muon& muon, std::span<const std::int32_t, 3> outputs) {
    const std::int32_t ratio = std::max(outputs[2], -256);
    return {muon.charge == 0 ? -outputs[0] : outputs[0], muon.eta < 0 ? -outputs[1] : outputs[1],
            std::min((muon.pt * (256 + ratio) + 128) >> 8, kMaxPt)};
}

std::vector<std::int32_t> run_fields(const IntegerNetwork& network,
                                     std::span<const std::int32_t> fields, unsigned threads) {
    const std::size_t columns = input_count(network.task, Encoding::raw);
    const std::size_t width = output_count(network.task);
    BUNCH_CHECK(fields.size() % columns == 0);
    const std::size_t rows = fields.size() / columns;
    std::vector<std::int32_t> results(rows * width);
    const auto muon_at = [&](std::size_t row) {
        const auto on_wire = [&](std::size_t i) {
            return std::clamp(fields[row + i], kLowestField[i], kHighestField[i]);
        };
        return L1Muon{on_wire(0), on_wire(1), on_wire(2), on_wire(3), on_wire(4)};
    };
    for_each_piece((rows + kChunk - 1) / kChunk, threads, [&](std::size_t chunk) {
        std::array<std::uint8_t, kPairFeatures> features{};
        const auto one = std::span(features).first<kMuonFeatures>();
        for (std::size_t row = chunk * kChunk; row < std::min(rows, (chunk + 1) * kChunk); ++row) {
            const L1Muon muon = muon_at(row * columns);
            const auto to = std::span(results).subspan(row * width, width);
            if (network.task == Task::pair) {
                fold(muon, muon_at(row * columns + kMuonFields), features);
                run(network, features, to);
                continue;
            }
            fold(muon, one);
            run(network, one, to);
            const auto finished = finish(muon, to.first<3>());
            std::copy(finished.begin(), finished.end(), to.begin());
        }
    });
    return results;
}

}  // namespace bunch::muon
