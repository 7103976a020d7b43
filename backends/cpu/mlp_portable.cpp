#define BUNCH_MLP_LANES 4
#define BUNCH_MLP_TILE 2
#define BUNCH_MLP_ROWS 4
#define BUNCH_MLP_COLUMNS 2
#define BUNCH_MLP_OUTPUTS 4
#include "backends/cpu/mlp_loop.h"

namespace bunch::cpu::mlp_kernel {

void run_portable(const Layer* layers, unsigned long count, const float* input, float* output,
                  unsigned long rows) {
    run(layers, count, input, output, rows);
}

}  // namespace bunch::cpu::mlp_kernel
