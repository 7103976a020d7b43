/// The manifest of an FPGA model: any text is read or refused, and what was read makes sense.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "backends/xrt/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto manifest = bunch::fpga::parse_manifest(text, "fuzz.toml", "/");
    if (!manifest.ok()) return 0;
    for (const auto& tensor : manifest->inputs)
        if (tensor.row_stride() < tensor.elements_per_row()) std::abort();
    if (manifest->arguments.size() < manifest->inputs.size() + manifest->outputs.size())
        std::abort();
    return 0;
}
