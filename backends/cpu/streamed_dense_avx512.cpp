// Dense layers for few rows: the weights are read once, in order, as fast as memory gives them.
#define BUNCH_MLP_LANES 16
#include "backends/cpu/mlp_vector.h"
#include "backends/cpu/streamed_dense.h"

namespace bunch::cpu::mlp_kernel {
namespace {

constexpr int kVectors = kPanelWidth / kLanes;
constexpr int kAhead = 1024;  // floats between what is used and what is asked for

typedef float Anywhere __attribute__((vector_size(kLanes * sizeof(float)), aligned(4)));

inline void store(const Layer& layer, Vector sum, float* output, int column) {
    const Vector result = activate(layer, sum);
    if (column + kLanes <= layer.outputs) {
        *reinterpret_cast<Anywhere*>(output + column) = result;
        return;
    }
    for (int i = 0; column + i < layer.outputs; ++i) output[column + i] = result[i];
}

template <int Rows>
void run_panels(const Layer& layer, const float* input, float* output) {
    const float* weights = layer.weights;
    for (int column = 0; column < layer.outputs; column += kPanelWidth) {
        Vector sums[Rows][kVectors];
        for (int r = 0; r < Rows; ++r)
            for (int v = 0; v < kVectors; ++v) sums[r][v] = load(layer.bias + column + v * kLanes);
        for (int k = 0; k < layer.inputs; ++k, weights += kPanelWidth) {
            Vector line[kVectors];
            for (int v = 0; v < kVectors; ++v) {
                __builtin_prefetch(weights + kAhead + v * kLanes);
                line[v] = load(weights + v * kLanes);
            }
            for (int r = 0; r < Rows; ++r) {
                const Vector x = splat(input[static_cast<long>(r) * layer.inputs + k]);
                for (int v = 0; v < kVectors; ++v) sums[r][v] += x * line[v];
            }
        }
        for (int r = 0; r < Rows; ++r)
            for (int v = 0; v < kVectors; ++v)
                if (column + v * kLanes < layer.outputs)
                    store(layer, sums[r][v], output + static_cast<long>(r) * layer.outputs,
                          column + v * kLanes);
    }
}

}  // namespace

void run_streamed_avx512(const Layer& layer, const float* input, float* output, long rows) {
    for (; rows >= 4; rows -= 4, input += 4L * layer.inputs, output += 4L * layer.outputs)
        run_panels<4>(layer, input, output);
    for (; rows >= 2; rows -= 2, input += 2L * layer.inputs, output += 2L * layer.outputs)
        run_panels<2>(layer, input, output);
    if (rows == 1) run_panels<1>(layer, input, output);
}

}  // namespace bunch::cpu::mlp_kernel
