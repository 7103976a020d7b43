#define BUNCH_CONVERT_LANES 8
#include "backends/xrt/fixed_point/convert_loop.h"

namespace bunch::fixed_point::convert_kernel {

void run_avx2(const Job& job, const void* from, void* to, u64 count) {
    run(job, from, to, count);
}

}  // namespace bunch::fixed_point::convert_kernel
