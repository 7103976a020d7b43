#include "muon/rtl/compiled_kernel.h"

#include <fmt/format.h>

#include <filesystem>

#include "backends/xrt/emulation/rtl/kernel_files.h"
#include "muon/rtl/kernel_text.h"
#include "muon/rtl/programs.h"
#include "muon/rtl/verilator_folder.h"
#include "muon/sample_file.h"

namespace bunch::muon {
namespace {

namespace fs = std::filesystem;

Result<std::string> compile_in(const std::string& folder, const Rtl& rtl) {
    std::string sources;
    for (const RtlFile& file : files_of(rtl)) {
        BUNCH_RETURN_IF_ERROR(write_text(folder + "/" + file.name, file.text));
        if (fs::path(file.name).extension() == ".sv") sources += " " + file.name;
    }
    for (const emulation::KernelFile& file : emulation::kernel_library_files())
        BUNCH_RETURN_IF_ERROR(write_text(folder + "/" + file.name, file.text));
    // Its symbols stay its own: the process that loads it has other Verilated code, too.
    const std::string command = fmt::format(
        "cd {} && verilator --cc --exe --build -O3 --x-assign fast --x-initial unique --noassert "
        "-Wno-WIDTH --top-module {} --prefix Vkernel --Mdir obj -CFLAGS '-O2 -std=c++20 -fPIC "
        "-fvisibility=hidden -I.. -DKERNEL_BUSY={}__DOT__busy' -LDFLAGS '-shared -s "
        "-Wl,-Bsymbolic' -MAKEFLAGS OPT_FAST=-O2 -o kernel.so{} kernel_pins.cpp",
        quoted(folder), kKernelName, kKernelName, sources);
    BUNCH_ASSIGN_OR_RETURN(const std::string said, output_of(command));
    static_cast<void>(said);
    return read_text(folder + "/obj/kernel.so");
}

}  // namespace

Result<std::string> compile_kernel(const Rtl& rtl) {
    BUNCH_ASSIGN_OR_RETURN(const ScratchFolder scratch, verilator_folder());
    return compile_in(scratch.path(), rtl);
}

}  // namespace bunch::muon
