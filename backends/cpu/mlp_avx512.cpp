#define BUNCH_MLP_LANES 16
#define BUNCH_MLP_TILE 2
#define BUNCH_MLP_ROWS 8
#define BUNCH_MLP_COLUMNS 4
#define BUNCH_MLP_OUTPUTS 6
#include "backends/cpu/mlp_loop.h"

namespace bunch::cpu::mlp_kernel {

void run_avx512(const Layer* layers, unsigned long count, const float* input, float* output,
                unsigned long rows) {
    run(layers, count, input, output, rows);
}

}  // namespace bunch::cpu::mlp_kernel
