#include "tests/backends/xrt/rtl/drawn_net.h"

#include "core/check.h"
#include "tests/backends/xrt/fixed_point/random_stack.h"

namespace bunch::test {
namespace {

using fixed_point::DenseLayer;
using fixed_point::DenseStack;
using fixed_point::StackShape;

constexpr std::uint32_t kWide = 40;

StackShape shape_of(const std::string& name, std::mt19937_64& random) {
    if (name == "random1") return fixed_point::random_shape(random, 1, 1);
    StackShape shape = fixed_point::random_shape(random, 4, 8);
    if (name == "random4") shape.widths.back() = kWide;
    if (name == "random5") shape.widths.front() = kWide;
    return shape;
}

}  // namespace

DenseStack drawn_net(std::uint64_t seed, const std::string& name) {
    std::mt19937_64 random(seed * 1000 + static_cast<std::uint64_t>(name.back()));
    const StackShape shape = shape_of(name, random);
    const fixed_point::StackFormats formats = fixed_point::random_formats(shape, random);
    return fixed_point::random_stack(shape, formats, random);
}

DenseStack with_random_weights(const DenseStack& stack, std::mt19937_64& random) {
    std::vector<DenseLayer> layers = stack.layers();
    for (DenseLayer& layer : layers) {
        for (std::int64_t& weight : layer.weights)
            weight = fixed_point::random_raw(layer.weight_format, random);
        for (std::int64_t& bias : layer.biases)
            bias = fixed_point::random_raw(layer.bias_format, random);
    }
    auto changed = DenseStack::make(stack.input_format(), std::move(layers));
    BUNCH_CHECK(changed.ok());
    return std::move(changed).value();
}

}  // namespace bunch::test
