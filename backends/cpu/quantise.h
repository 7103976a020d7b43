/// The loop that rounds floats to 8-bit integers as ONNX's QuantizeLinear does: divided, half to
/// even, saturated. oneDNN's reorder multiplies by 1 / scale, which moves numbers across the
/// middle. Compiled for a processor of its own like mlp_kernel.h, and with the same rule.
#pragma once

namespace bunch::cpu::quantise_kernel {

/// [rows][channels][pixels] floats become [rows][pixels][channels] integers.
struct Layer {
    float scale;
    int least, most;  ///< of the integers: 0 and 255, or -128 and 127
    int zero;         ///< what 0 becomes
    long rows, channels, pixels;
};

/// NaN becomes 0, as in the interpreter.
using Function = void (*)(const Layer& layer, const float* from, unsigned char* to);

void run_avx512(const Layer& layer, const float* from, unsigned char* to);

}  // namespace bunch::cpu::quantise_kernel
