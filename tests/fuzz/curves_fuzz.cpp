// Whatever a file of learnt curves holds is refused, or is curves that come back as they are.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/check.h"
#include "daemon/curve_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto curves = bunch::parse_curves(text, "fuzz");
    if (!curves.ok()) return 0;
    const auto back = bunch::parse_curves(bunch::text_of_curves(*curves), "fuzz");
    BUNCH_CHECK(back.ok());
    BUNCH_CHECK(*back == *curves);
    return 0;
}
