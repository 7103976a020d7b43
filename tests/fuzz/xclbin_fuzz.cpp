/// The container of FPGA designs: any file is read or refused, and what was read can be written.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "backends/xrt/xclbin.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto design = bunch::fpga::parse_xclbin(std::as_bytes(std::span(data, size)));
    if (!design.ok()) return 0;
    if (!bunch::fpga::write_xclbin(*design, {}).ok()) std::abort();
    return 0;
}
