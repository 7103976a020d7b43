#include "backends/simulated/simulated_options.h"

#include <charconv>
#include <string_view>
#include <utility>

#include "backends/wire/messages.h"

namespace bunch {
namespace {

constexpr double kLongest = 3600;  // seconds

Result<Duration> parse_duration(const std::string& key, const std::string& text) {
    constexpr std::pair<std::string_view, double> kUnits[] = {
        {"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}};
    double number = -1;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
    for (const auto& [name, scale] : kUnits) {
        if (error != std::errc() || unit != name) continue;
        if (number >= 0 && number * scale <= kLongest) return from_seconds(number * scale);
    }
    return invalid_argument("option " + key + " = \"" + text +
                            "\" of a simulated device: write a time up to 1 h with its unit, as "
                            "\"5ms\" or \"100us\"");
}

Result<std::uint32_t> parse_count(const std::string& key, const std::string& text,
                                  std::uint32_t limit) {
    std::uint32_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error == std::errc() && rest == end && number >= 1 && number <= limit) return number;
    return invalid_argument("option " + key + " = \"" + text +
                            "\" of a simulated device: write a number from 1 to " +
                            std::to_string(limit));
}

Result<std::string> parse_class(const std::string& text) {
    if (text.starts_with("simulated") && text.size() <= wire::kMaxNameBytes) return text;
    return invalid_argument("option device_class = \"" + text +
                            "\" of a simulated device: it must begin with \"simulated\"");
}

}  // namespace

Result<SimulatedOptions> SimulatedOptions::from(const BackendOptions& options) {
    SimulatedOptions parsed;
    for (const auto& [key, text] : options) {
        if (key == "fixed") {
            BUNCH_ASSIGN_OR_RETURN(parsed.fixed, parse_duration(key, text));
        } else if (key == "per_row") {
            BUNCH_ASSIGN_OR_RETURN(parsed.per_row, parse_duration(key, text));
        } else if (key == "lanes") {
            BUNCH_ASSIGN_OR_RETURN(parsed.device.lanes, parse_count(key, text, wire::kMaxLanes));
        } else if (key == "slots") {
            BUNCH_ASSIGN_OR_RETURN(parsed.device.slots_per_lane,
                                   parse_count(key, text, wire::kMaxSlots));
        } else if (key == "device_class") {
            BUNCH_ASSIGN_OR_RETURN(parsed.device.device_class, parse_class(text));
        } else {
            return invalid_argument("a simulated device has no option '" + key +
                                    "'; it has fixed, per_row, lanes, slots and device_class");
        }
    }
    return parsed;
}

}  // namespace bunch
