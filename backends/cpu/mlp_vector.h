/// Vectors of BUNCH_MLP_LANES floats and the activations on them: the ground of mlp_loop.h.
/// Everything is in an unnamed namespace, see mlp_kernel.h.
#pragma once

#include "backends/cpu/mlp_kernel.h"

namespace bunch::cpu::mlp_kernel {
namespace {

constexpr int kLanes = BUNCH_MLP_LANES;

typedef float Vector __attribute__((vector_size(kLanes * sizeof(float))));
typedef int Integers __attribute__((vector_size(kLanes * sizeof(int))));

inline Vector splat(float number) {
    return Vector{} + number;
}

// e^x to about 1 part in 10^7 (the polynomial of Cephes); 0 and infinity never occur.
inline Vector exponential(Vector x) {
    x = x < -87.0F ? splat(-87.0F) : x;
    x = x > 88.0F ? splat(88.0F) : x;
    const Vector magic = splat(12582912.0F);  // 1.5 * 2^23: adding it rounds to an integer
    const Vector shifted = x * 1.44269504F + magic;
    const Vector n = shifted - magic;
    const Vector r = x - n * 0.693359375F - n * -2.12194440e-4F;
    Vector p = splat(1.9875691500e-4F);
    p = p * r + 1.3981999507e-3F;
    p = p * r + 8.3334519073e-3F;
    p = p * r + 4.1665795894e-2F;
    p = p * r + 1.6666665459e-1F;
    p = p * r + 5.0000001201e-1F;
    p = p * r * r + r + 1.0F;
    const Integers exponent = (Integers)shifted - (Integers)magic;
    return p * (Vector)((exponent + 127) << 23);
}

inline Vector sigmoid(Vector x) {
    return 1.0F / (1.0F + exponential(-x));
}

inline Vector hyperbolic_tangent(Vector x) {
    const Vector z = x * x;
    Vector p = splat(-5.70498872745e-3F);
    p = p * z + 2.06390887954e-2F;
    p = p * z - 5.37397155531e-2F;
    p = p * z + 1.33314422036e-1F;
    p = p * z - 3.33332819422e-1F;
    const Vector near_zero = p * z * x + x;
    const Vector far = 1.0F - 2.0F / (exponential(x + x) + 1.0F);
    return z < 0.390625F ? near_zero : far;
}

// Comparisons keep NaN: a comparison with it is false.
inline Vector activate(const Layer& layer, Vector x) {
    switch (layer.activation) {
        case Activation::none:
            return x;
        case Activation::relu:
            return x < 0.0F ? Vector{} : x;
        case Activation::leaky_relu:
            return x < 0.0F ? x * layer.alpha : x;
        case Activation::clip:
            x = x < layer.alpha ? splat(layer.alpha) : x;
            return x > layer.beta ? splat(layer.beta) : x;
        case Activation::sigmoid:
            return sigmoid(x);
        case Activation::tanh:
            return hyperbolic_tangent(x);
    }
    return x;
}

inline Vector load(const float* floats) {
    return *reinterpret_cast<const Vector*>(floats);
}

}  // namespace
}  // namespace bunch::cpu::mlp_kernel
