#define BUNCH_MLP_LANES 16
#define BUNCH_MLP_COLUMNS 2
#define BUNCH_MLP_OUTPUTS 12
#include "backends/cpu/pointwise_loop.h"

namespace bunch::cpu::mlp_kernel {

void run_pointwise_avx512(const Layer& layer, const float* input, float* output, long positions,
                          float* scratch) {
    run_pointwise(layer, input, output, positions, scratch);
}

}  // namespace bunch::cpu::mlp_kernel
