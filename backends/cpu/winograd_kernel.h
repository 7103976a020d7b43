/// What the variants of the Winograd convolution share with winograd.h. Compiled for a processor of
/// its own, so nothing here may pull in inline code of libraries (see mlp_kernel.h).
///
/// F(4x4, 3x3): tiles of 6x6 inputs give 4x4 outputs with 36 products in place of 144. Input and
/// output lie channels last, [rows][height][width][channels].
#pragma once

namespace bunch::cpu::winograd_kernel {

inline constexpr int kPoints = 36;   ///< products per tile
inline constexpr int kTile = 4;      ///< outputs of a tile along each side
inline constexpr int kLanes = 16;    ///< channels and outputs are multiples of it
inline constexpr int kPanel = 64;    ///< outputs that are computed together, the last time fewer
inline constexpr int kPadding = 16;  ///< floats between points: without, all meet in one cache set

enum class Activation : unsigned char { none, leaky_relu, clip };

/// One convolution; extents of one row.
struct Layer {
    const float* weights;  ///< [point][outputs / kPanel][channels][kPanel], transformed
    const float* bias;     ///< [outputs], or null
    int channels, outputs;
    int height, width;          ///< of the input
    int out_height, out_width;  ///< of the output
    int pad_top, pad_left;
    int block;  ///< tiles that are transformed together
    bool add;   ///< to what the output holds
    Activation activation;
    float alpha, beta;  ///< slope below 0; or bounds
};

/// Floats of scratch memory that a run takes.
inline long scratch_floats(const Layer& layer) {
    const long block = layer.block;
    return kPoints * ((block * layer.channels + kPadding) + (block * layer.outputs + kPadding));
}

/// Which part of a layer's output to compute: some tiles, counted through all rows, or some of the
/// outputs.
struct Part {
    long first_tile, tiles;
    int first_output, outputs;  ///< multiples of kPanel, but for the last
};

/// Computes `part`. `scratch` is aligned to 64 bytes.
using Function = void (*)(const Layer& layer, const float* input, float* output, const Part& part,
                          float* scratch);

void run_avx512(const Layer& layer, const float* input, float* output, const Part& part,
                float* scratch);

}  // namespace bunch::cpu::winograd_kernel
