#include "backends/xrt/emulation/copy_kernel.h"
#include "backends/xrt/emulation/dense_kernel.h"
#include "backends/xrt/emulation/kernel_model.h"
#include "backends/xrt/emulation/muon_kernel.h"
#include "backends/xrt/emulation/rtl/dense_rtl.h"
#include "backends/xrt/emulation/rtl/loaded_kernel.h"

namespace bunch::emulation {

KernelModelFactory kernel_model_named(const std::string& name) {
    if (name == "copy") return make_copy_kernel;
    if (name == "dense_stack") return make_dense_kernel;
    if (name == "muon_integers") return make_muon_kernel;
    if (name == "compiled_rtl") return make_loaded_kernel;
#ifdef BUNCH_RTL_KERNELS
    if (name == "dense_rtl") return make_dense_rtl;
#endif
    return nullptr;
}

}  // namespace bunch::emulation
