#include "backends/xrt/emulation/copy_kernel.h"
#include "backends/xrt/emulation/dense_kernel.h"
#include "backends/xrt/emulation/kernel_model.h"

namespace bunch::emulation {

KernelModelFactory kernel_model_named(const std::string& name) {
    if (name == "copy") return make_copy_kernel;
    if (name == "dense_stack") return make_dense_kernel;
    return nullptr;
}

}  // namespace bunch::emulation
