/// What the variants of the small dense network share with mlp.h. The .cpp files that include this
/// are compiled for different processors, so nothing here may pull in inline code of libraries: a
/// linker could pick the copy that this processor cannot run.
#pragma once

namespace bunch::cpu::mlp_kernel {

inline constexpr int kMaxWidth = 128;  ///< outputs of a layer
inline constexpr int kPadding = 16;    ///< outputs are padded to a multiple of it with zeros

enum class Activation : unsigned char { none, relu, leaky_relu, clip, sigmoid, tanh };

/// y = activation(x W + b).
struct Layer {
    const float* weights;  ///< [inputs][padded], aligned to 64 bytes
    const float* bias;     ///< [padded], aligned to 64 bytes
    int inputs;
    int outputs;
    int padded;
    Activation activation;
    float alpha;
    float beta;
};

/// Runs `rows` rows through `count` >= 1 layers.
using Function = void (*)(const Layer* layers, unsigned long count, const float* input,
                          float* output, unsigned long rows);

void run_avx512(const Layer* layers, unsigned long count, const float* input, float* output,
                unsigned long rows);
void run_avx2(const Layer* layers, unsigned long count, const float* input, float* output,
              unsigned long rows);
void run_portable(const Layer* layers, unsigned long count, const float* input, float* output,
                  unsigned long rows);

}  // namespace bunch::cpu::mlp_kernel
