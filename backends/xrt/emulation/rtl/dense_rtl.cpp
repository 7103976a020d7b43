#include "backends/xrt/emulation/rtl/dense_rtl.h"

#include <fmt/format.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <functional>
#include <vector>

#include "backends/xrt/emulation/rtl/memory_file.h"

namespace bunch::emulation {
namespace {

using fixed_point::DenseLayer;
using fixed_point::DenseStack;

std::size_t words_of(const DenseLayer& layer) {
    return layer.weights.size() + layer.biases.size() + layer.table.size();
}

// One localparam of 32 bits per entry, the first at the right.
std::string parameter(const char* name, const std::vector<int>& entries) {
    std::string text;
    for (const int entry : entries)
        text = (entry < 0 ? fmt::format("-32'd{}", -entry) : fmt::format("32'd{}", entry)) +
               (text.empty() ? "" : ", ") + text;
    return fmt::format("localparam logic [{}:0] {} = {{{}}};\n", 32 * entries.size() - 1, name,
                       text);
}

std::string stage_parameter(const DenseStack& stack, const char* name,
                            int (*entry)(const FixedFormat&)) {
    std::vector<int> entries = {entry(stack.input_format())};
    for (const DenseLayer& layer : stack.layers()) entries.push_back(entry(layer.output_format));
    return parameter(name, entries);
}

std::string layer_parameter(const DenseStack& stack, const char* name,
                            int (*entry)(const DenseLayer&)) {
    std::vector<int> entries;
    for (const DenseLayer& layer : stack.layers()) entries.push_back(entry(layer));
    return parameter(name, entries);
}

std::string stage_parameters(const DenseStack& stack) {
    std::vector<int> widths = {static_cast<int>(stack.inputs())};
    for (const DenseLayer& layer : stack.layers())
        widths.push_back(static_cast<int>(layer.outputs));
    using F = FixedFormat;
    return parameter("WIDTH", widths) +
           stage_parameter(stack, "BITS", [](const F& f) { return int{f.total_bits}; }) +
           stage_parameter(stack, "FRACTION", [](const F& f) { return f.fraction_bits(); }) +
           stage_parameter(stack, "SIGNED", [](const F& f) { return f.is_signed ? 1 : 0; }) +
           stage_parameter(stack, "ROUNDING",
                           [](const F& f) { return static_cast<int>(f.rounding); }) +
           stage_parameter(stack, "OVERFLOW",
                           [](const F& f) { return static_cast<int>(f.overflow); });
}

std::string layer_parameters(const DenseStack& stack) {
    using L = DenseLayer;
    std::vector<int> first_words = {0};
    for (const L& layer : stack.layers())
        first_words.push_back(first_words.back() + static_cast<int>(words_of(layer)));
    first_words.pop_back();
    return layer_parameter(stack, "ACTIVATION",
                           [](const L& l) { return static_cast<int>(l.activation); }) +
           layer_parameter(stack, "WEIGHT_BITS",
                           [](const L& l) { return int{l.weight_format.total_bits}; }) +
           layer_parameter(stack, "WEIGHT_FRACTION",
                           [](const L& l) { return l.weight_format.fraction_bits(); }) +
           layer_parameter(stack, "WEIGHT_SIGNED",
                           [](const L& l) { return l.weight_format.is_signed ? 1 : 0; }) +
           layer_parameter(stack, "BIAS_BITS",
                           [](const L& l) { return int{l.bias_format.total_bits}; }) +
           layer_parameter(stack, "BIAS_FRACTION",
                           [](const L& l) { return l.bias_format.fraction_bits(); }) +
           layer_parameter(stack, "BIAS_SIGNED",
                           [](const L& l) { return l.bias_format.is_signed ? 1 : 0; }) +
           parameter("FIRST_WORD", first_words);
}

}  // namespace

int rtl_latency(const DenseStack& stack) {
    int clocks = 0;
    for (const DenseLayer& layer : stack.layers())
        clocks += static_cast<int>(std::bit_width(layer.inputs)) + 2;  // clog2(inputs + 1)
    return clocks;
}

std::string rtl_description(const DenseStack& stack) {
    std::string sizes = std::to_string(stack.inputs());
    std::size_t words = 0;
    for (const DenseLayer& layer : stack.layers()) {
        sizes += "-" + std::to_string(layer.outputs);
        words += words_of(layer);
    }
    return fmt::format(
               "// A network for dense_kernel.sv: {}. Written by dense_rtl.cpp, which knows it by "
               "this text.\n"
               "localparam int LAYERS = {};\n"
               "localparam int LATENCY = {};\n"
               "localparam int FILE_WORDS = {};\n"
               "// 32 bits each, from the right: the input, then the output of each layer.\n",
               sizes, stack.layers().size(), rtl_latency(stack), words) +
           stage_parameters(stack) + "// And of each layer.\n" + layer_parameters(stack);
}

std::string rtl_weights(const DenseStack& stack) {
    std::string text;
    for (const DenseLayer& layer : stack.layers())
        for (const auto* numbers : {&layer.weights, &layer.biases, &layer.table})
            for (const std::int64_t number : *numbers)
                text += fmt::format("{:08x}\n", static_cast<std::uint32_t>(number));
    return text;
}

Result<std::unique_ptr<RtlKernel>> make_rtl_kernel(std::span<const RtlNet> nets,
                                                   const DenseStack& stack, const Stalls& stalls) {
    const std::string description = rtl_description(stack);
    std::string known;
    for (const RtlNet& net : nets) {
        known += std::string(known.empty() ? "" : ", ") + net.name;
        if (description != net.description) continue;
        const std::string text = rtl_weights(stack);
        const MemoryFile weights(std::as_bytes(std::span(text)));
        if (!weights.complete())
            return resource_exhausted(std::string("no memory for the weights of an RTL kernel: ") +
                                      std::strerror(errno));
        return net.make(weights.path(), stalls);
    }
    return invalid_argument(
        "no RTL kernel of this build has these layer sizes and formats; it has " + known +
        ". Add the text of rtl_description() as a folder of backends/xrt/emulation/rtl/nets, or "
        "use the model dense_stack");
}

}  // namespace bunch::emulation
