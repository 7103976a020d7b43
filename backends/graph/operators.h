/// The operators of a Graph with their parameters. Tensors are named in the order of Node::inputs;
/// "W" stands for a constant. Layouts are those of ONNX: images are [rows, channels, height,
/// width].
#pragma once

#include <array>
#include <cstdint>
#include <variant>
#include <vector>

namespace bunch {

/// A function of one number. With `none` the identity.
struct Activation {
    enum class Kind : std::uint8_t { none, leaky_relu, clip, sigmoid, tanh };
    Kind kind = Kind::none;
    float alpha = 0;  ///< leaky_relu: slope below 0 (0 is relu); clip: lower bound
    float beta = 0;   ///< clip: upper bound
    friend bool operator==(const Activation&, const Activation&) = default;
};

enum class AutoPad : std::uint8_t { explicit_pads, valid, same_upper, same_lower };

/// How a window slides over height and width.
struct Window {
    std::array<std::int64_t, 2> kernel{1, 1};
    std::array<std::int64_t, 2> strides{1, 1};
    std::array<std::int64_t, 2> dilations{1, 1};
    std::array<std::int64_t, 2> pads_begin{0, 0};
    std::array<std::int64_t, 2> pads_end{0, 0};  ///< infer_shapes() adds what ceil_mode needs
    AutoPad auto_pad = AutoPad::explicit_pads;   ///< infer_shapes() turns it into pads
    bool ceil_mode = false;
};

/// x[n,c,h,w], W[m,c/groups,kh,kw], optional W[m].
struct Conv {
    Window window;
    std::int64_t groups = 1;
};
/// x[...,k], W[k,m], optional W[m].
struct Dense {};
/// a[...,i,k], b[...,k,j] of equal rank, equal in all leading extents.
struct MatMul {};
/// x * W[c] + W[c], c along `axis`; with a fourth input (x - W[c]) * W[c] + W[c], see passes.h.
struct Affine {
    std::int64_t axis = 1;
};
/// x
struct Elementwise {
    Activation function;
};
/// a, b, each broadcast to the other.
struct Binary {
    enum class Kind : std::uint8_t { add, subtract, multiply };
    Kind kind = Kind::add;
};
/// x[n,c,h,w]
struct Pool {
    enum class Kind : std::uint8_t { max, average };
    Kind kind = Kind::max;
    Window window;
    bool counts_padding = false;  ///< average: padding counts as zeros
    bool global = false;          ///< infer_shapes() sets the window to the whole image
};
/// x; over one axis, or over all from `axis` on.
struct Softmax {
    std::int64_t axis = -1;
    bool to_the_end = false;
};
/// x; 0 in `target` keeps the extent, -1 is what remains. Flatten makes two extents of all.
struct Reshape {
    std::vector<std::int64_t> target;
    bool allow_zero = false;
    bool flatten = false;
    std::int64_t flatten_axis = 1;
};
/// x...
struct Concat {
    std::int64_t axis = 1;
};
/// x; extent i of the output is extent order[i] of x. Empty: reversed.
struct Transpose {
    std::vector<std::int64_t> order;
};
/// x, unchanged.
struct Identity {};

using Operator = std::variant<Conv, Dense, MatMul, Affine, Elementwise, Binary, Pool, Softmax,
                              Reshape, Concat, Transpose, Identity>;

/// For std::visit over an Operator with one lambda per kind.
template <typename... Functions>
struct Overloaded : Functions... {
    using Functions::operator()...;
};
template <typename... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

}  // namespace bunch
