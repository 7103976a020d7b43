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
