// Networks on sets of particles: DeepMET and ParticleNet.
#include "zoo/models.h"

namespace bunch {
namespace {

using Integers = std::vector<std::int64_t>;

/// Columns [first, past) along `axis`.
std::string columns(OnnxBuilder& net, const std::string& x, std::int64_t axis, std::int64_t first,
                    std::int64_t past) {
    return net.apply("Slice",
                     {x, net.integers({first}), net.integers({past}), net.integers({axis})});
}

}  // namespace

// Columns: 0 to 7 are numbers, of which 0 and 1 are the momentum; 8 to 10 are classes.
void build_deepmet(OnnxBuilder& net) {
    constexpr std::int64_t kParticles = 4500, kNumbers = 8, kEmbedding = 8;
    const std::string x = net.input("input", {kParticles, 11});
    std::vector<std::string> parts = {columns(net, x, 2, 0, kNumbers)};
    std::int64_t column = kNumbers;
    for (const std::int64_t classes : {3, 8, 4}) {
        const std::string chosen =
            net.apply("Cast", {columns(net, x, 2, column, column + 1)}, {{"to", std::int64_t{7}}});
        const std::string flat = net.apply("Squeeze", {chosen, net.integers({2})});
        parts.push_back(net.apply("Gather", {net.table({classes, kEmbedding}, 0.5), flat},
                                  {{"axis", std::int64_t{0}}}));
        ++column;
    }
    std::string y = net.apply("Concat", parts, {{"axis", std::int64_t{2}}});
    y = net.apply("Tanh", {net.linear(y, kNumbers + 3 * kEmbedding, 128)});
    y = net.apply("Tanh", {net.linear(y, 128, 64)});
    const std::string weight = net.linear(y, 64, 1);
    const std::string moved = net.apply("Mul", {columns(net, x, 2, 0, 2), weight});
    net.output(net.apply("ReduceSum", {moved, net.integers({1})}, {{"keepdims", std::int64_t{0}}}),
               "output", {2});
}

namespace {

constexpr std::int64_t kNeighbours = 8;

std::string norm_conv(OnnxBuilder& net, const std::string& x, std::int64_t inputs,
                      std::int64_t outputs, const Integers& kernel) {
    return net.batch_norm(net.plain_convolution(x, inputs, outputs, kernel), outputs, {2, 1});
}

std::string number(OnnxBuilder& net, float value) {
    return net.apply("Constant", {}, {{"value_floats", std::vector<float>{value}}});
}

/// Indexes of the nearest neighbours of each point, itself left out: [N, points, neighbours].
/// `mask` [N, 1, points] is 0 where a point is none, or empty.
std::string neighbours(OnnxBuilder& net, const std::string& x, const std::string& mask) {
    const std::string turned = net.apply("Transpose", {x}, {{"perm", Integers{0, 2, 1}}});
    const std::string products = net.apply("MatMul", {turned, x});
    const std::string squares =
        net.apply("ReduceSum", {net.apply("Mul", {x, x}), net.integers({1})});
    const std::string other = net.apply("Transpose", {squares}, {{"perm", Integers{0, 2, 1}}});
    std::string closeness = net.apply("Sub", {net.apply("Add", {products, products}), squares});
    closeness = net.apply("Sub", {closeness, other});
    if (!mask.empty()) {
        const std::string missing = net.apply("Sub", {mask, number(net, 1)});
        closeness = net.apply("Add", {closeness, net.apply("Mul", {missing, number(net, 1e9F)})});
    }
    // A small jet has fewer neighbours.
    const std::string points = net.apply("Gather", {net.apply("Shape", {x}), net.integers({2})});
    const std::string wanted = net.apply("Min", {points, net.integers({kNeighbours + 1})});
    const std::string order =
        net.second_of("TopK", {closeness, wanted}, {{"axis", std::int64_t{-1}}});
    return columns(net, order, 2, 1, 1000);
}

/// Of each point, what `x` [N, C, points] says of its neighbours: [N, C, points, neighbours].
std::string of_neighbours(OnnxBuilder& net, const std::string& x, const std::string& index) {
    const std::string turned = net.apply("Transpose", {x}, {{"perm", Integers{0, 2, 1}}});
    const std::string found =
        net.apply("GatherND", {turned, index}, {{"batch_dims", std::int64_t{1}}});
    return net.apply("Transpose", {found}, {{"perm", Integers{0, 3, 1, 2}}});
}

/// The mean of `x` along `axis`, of what `mask` does not leave out if there is one.
std::string mean(OnnxBuilder& net, const std::string& x, std::int64_t axis,
                 const std::string& mask) {
    if (mask.empty())
        return net.apply("ReduceMean", {x},
                         {{"axes", Integers{axis}}, {"keepdims", std::int64_t{0}}});
    const auto sum = [&](const std::string& of) {
        return net.apply("ReduceSum", {of, net.integers({axis})}, {{"keepdims", std::int64_t{0}}});
    };
    return net.apply("Div", {sum(net.apply("Mul", {x, mask})), sum(mask)});
}

/// One block: features of each point with those of its neighbours, through three layers, averaged.
std::string edge_conv(OnnxBuilder& net, const std::string& points, const std::string& x,
                      const std::string& mask, std::int64_t inputs, std::int64_t outputs) {
    const std::string index =
        net.apply("Unsqueeze", {neighbours(net, points, mask), net.integers({3})});
    const std::string others = of_neighbours(net, x, index);
    const std::string own = net.apply(
        "Expand", {net.apply("Unsqueeze", {x, net.integers({3})}), net.apply("Shape", {others})});
    std::string y =
        net.apply("Concat", {own, net.apply("Sub", {others, own})}, {{"axis", std::int64_t{1}}});
    y = net.relu(norm_conv(net, y, 2 * inputs, outputs, {1, 1}));
    y = net.relu(norm_conv(net, y, outputs, outputs, {1, 1}));
    y = net.relu(norm_conv(net, y, outputs, outputs, {1, 1}));
    y = mean(net, y, 3, mask.empty() ? "" : of_neighbours(net, mask, index));
    return net.relu(net.add(y, norm_conv(net, x, inputs, outputs, {1})));
}

/// The first two features of particles and of vertices are their places. The weights are the same
/// with masks and without.
void particlenet(OnnxBuilder& net, bool has_masks) {
    const std::string particles = net.input("particles", {23, -1}, "P");
    const std::string vertices = net.input("vertices", {14, -1}, "V");
    std::string mask;
    if (has_masks) {
        const std::string first = net.input("particles_mask", {1, -1}, "P");
        const std::string second = net.input("vertices_mask", {1, -1}, "V");
        mask = net.apply("Concat", {first, second}, {{"axis", std::int64_t{2}}});
    }
    const std::string places =
        net.apply("Concat", {columns(net, particles, 1, 0, 2), columns(net, vertices, 1, 0, 2)},
                  {{"axis", std::int64_t{2}}});
    const std::string a = net.relu(norm_conv(net, particles, 23, 32, {1}));
    const std::string b = net.relu(norm_conv(net, vertices, 14, 32, {1}));
    const std::string x = net.apply("Concat", {a, b}, {{"axis", std::int64_t{2}}});
    const std::string first = edge_conv(net, places, x, mask, 32, 64);
    const std::string second = edge_conv(net, first, first, mask, 64, 96);
    const std::string third = edge_conv(net, second, second, mask, 96, 128);
    std::string y = net.apply("Concat", {first, second, third}, {{"axis", std::int64_t{1}}});
    y = net.relu(norm_conv(net, y, 288, 256, {1}));
    y = mean(net, y, 2, mask);
    y = net.relu(net.dense(y, 256, 128));
    net.output(net.apply("Softmax", {net.dense(y, 128, 8)}, {{"axis", std::int64_t{1}}}), "output",
               {8});
}

}  // namespace

void build_particlenet(OnnxBuilder& net) {
    particlenet(net, false);
}

void build_particlenet_masked(OnnxBuilder& net) {
    particlenet(net, true);
}

}  // namespace bunch
