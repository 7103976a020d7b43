#include "backends/xrt/emulation/rtl/loaded_kernel.h"

#include <dlfcn.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "backends/xrt/emulation/rtl/kernel_pins.h"
#include "backends/xrt/emulation/rtl/memory_file.h"
#include "backends/xrt/emulation/rtl/pin_kernel.h"

namespace bunch::emulation {
namespace {

struct CloseLibrary {
    void operator()(void* library) const { ::dlclose(library); }
};
using Library = std::unique_ptr<void, CloseLibrary>;

/// The pins, and behind them the unit that drives and reads them.
class LoadedTop : public BunchKernelPins {
  public:
    LoadedTop(Library library, const BunchKernelLibrary& functions)
        : BunchKernelPins{},
          library_(std::move(library)),
          functions_(functions),
          kernel_(functions.create()) {}
    ~LoadedTop() { functions_.destroy(kernel_); }
    LoadedTop(const LoadedTop&) = delete;
    LoadedTop& operator=(const LoadedTop&) = delete;

    void eval() { functions_.eval(kernel_, this); }
    bool busy() const { return BunchKernelPins::busy != 0; }

  private:
    Library library_;  // its code is used until the end
    const BunchKernelLibrary& functions_;
    BunchKernel* kernel_;
};

Status no_library(const std::string& why) {
    return invalid_argument("this is no compiled kernel: " + why +
                            "; write the model's folder again with 'bunch-muon kernel --rtl'");
}

}  // namespace

Result<std::unique_ptr<RtlKernel>> load_rtl_kernel(std::span<const std::byte> library,
                                                   const Stalls& stalls) {
    const MemoryFile file(library);
    if (!file.complete())
        return resource_exhausted(std::string("no memory for a compiled kernel: ") +
                                  std::strerror(errno));
    Library loaded(::dlopen(file.path().c_str(), RTLD_NOW | RTLD_LOCAL));
    if (!loaded) return no_library(::dlerror());
    const auto* const functions =
        static_cast<const BunchKernelLibrary*>(::dlsym(loaded.get(), "bunch_kernel_library"));
    if (functions == nullptr) return no_library("it has no bunch_kernel_library");
    if (functions->version != BUNCH_KERNEL_PINS_VERSION ||
        functions->pins_bytes != sizeof(BunchKernelPins))
        return no_library("it was made for version " + std::to_string(functions->version) +
                          " of kernel_pins.h, this is " +
                          std::to_string(BUNCH_KERNEL_PINS_VERSION));
    return std::unique_ptr<RtlKernel>(std::make_unique<PinKernel<LoadedTop>>(
        std::make_unique<LoadedTop>(std::move(loaded), *functions), stalls));
}

Result<std::unique_ptr<KernelModel>> make_loaded_kernel(std::span<const std::byte> parameters) {
    BUNCH_ASSIGN_OR_RETURN(std::unique_ptr<RtlKernel> kernel, load_rtl_kernel(parameters, {}));
    return std::unique_ptr<KernelModel>(std::move(kernel));
}

}  // namespace bunch::emulation
