#include "backends/xrt/xrt_options.h"

#include <algorithm>
#include <charconv>

#include "backends/wire/messages.h"
#include "backends/xrt/manifest.h"
#include "config/units.h"

namespace bunch::fpga {
namespace {

constexpr std::uint32_t kMostCards = 256;

Status wrong(const std::string& key, const std::string& text, const std::string& right) {
    return invalid_argument("option " + key + " = \"" + text + "\" of an FPGA card: write " +
                            right);
}

bool read_number(const std::string& text, std::uint32_t least, std::uint32_t most,
                 std::uint32_t& to) {
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, to);
    return error == std::errc() && rest == end && to >= least && to <= most;
}

bool is_card(const std::string& text) {
    std::uint32_t index = 0;
    if (read_number(text, 0, kMostCards - 1, index)) return true;
    const auto is_part = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') ||
               c == ':' || c == '.';
    };
    return text.size() >= 7 && text.size() <= 12 && text.find(':') != std::string::npos &&
           std::all_of(text.begin(), text.end(), is_part);
}

bool is_class(const std::string& text) {
    return !text.empty() && text.size() <= wire::kMaxNameBytes &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

Result<XrtOptions> XrtOptions::from(const BackendOptions& options) {
    XrtOptions parsed;
    for (const auto& [key, text] : options) {
        if (key == "card") {
            if (!is_card(text))
                return wrong(key, text, "its index, \"0\", or its address, \"0000:65:00.1\"");
            parsed.card = text;
        } else if (key == "lanes") {
            if (!read_number(text, 1, kMaxUnits, parsed.lanes))
                return wrong(key, text, "a number from 1 to " + std::to_string(kMaxUnits));
        } else if (key == "slots") {
            if (!read_number(text, 1, kMaxSlots, parsed.slots))
                return wrong(key, text, "a number from 1 to " + std::to_string(kMaxSlots));
        } else if (key == "device_class") {
            if (!is_class(text)) return wrong(key, text, "a name without blanks");
            parsed.device_class = text;
        } else if (key == "busy_timeout") {
            const auto span = parse_duration(text);
            if (!span.ok() || *span > std::chrono::minutes(4))
                return wrong(key, text, "a time up to 4m, as \"30s\"");
            parsed.busy_timeout = *span;
        } else {
            return invalid_argument("an FPGA card has no option '" + key +
                                    "'; it has card, lanes, slots, device_class and busy_timeout");
        }
    }
    return parsed;
}

}  // namespace bunch::fpga
