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

Result<double> parse_noise(const std::string& key, const std::string& text) {
    double number = -1;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error == std::errc() && rest == end && number >= 0 && number <= 2) return number;
    return invalid_argument("option " + key + " = \"" + text +
                            "\" of a simulated device: write a number from 0 to 2");
}

Result<std::string> parse_image(const std::string& key, const std::string& text) {
    if (!text.empty() && text.size() <= wire::kMaxNameBytes) return text;
    return invalid_argument("option " + key + " of a simulated device: write the image's name");
}

Result<bool> parse_flag(const std::string& key, const std::string& text) {
    if (text == "true" || text == "false") return text == "true";
    return invalid_argument("option " + key + " = \"" + text +
                            "\" of a simulated device: write true or false");
}

constexpr std::string_view kKnown =
    "fixed, per_row, lanes, slots, device_class, noise, seed, load_time and, after a model's name "
    "and a dot, fixed, per_row, rows, image and broken";

Status unknown(const std::string& key) {
    return invalid_argument("a simulated device has no option '" + key + "'; it has " +
                            std::string(kKnown));
}

/// `key` is what comes behind the model's name.
Status read_model_option(const std::string& key, const std::string& whole, const std::string& text,
                         SimulatedTimes& times) {
    if (key == "fixed") {
        BUNCH_ASSIGN_OR_RETURN(times.fixed, parse_duration(whole, text));
    } else if (key == "per_row") {
        BUNCH_ASSIGN_OR_RETURN(times.per_row, parse_duration(whole, text));
    } else if (key == "rows") {
        BUNCH_ASSIGN_OR_RETURN(times.rows, parse_count(whole, text, 1u << 20));
    } else if (key == "broken") {
        BUNCH_ASSIGN_OR_RETURN(times.broken, parse_flag(whole, text));
    } else if (key == "image") {
        BUNCH_ASSIGN_OR_RETURN(times.image, parse_image(whole, text));
    } else {
        return unknown(whole);
    }
    return ok_status();
}

Status read_option(const std::string& key, const std::string& text, SimulatedOptions& options) {
    if (key == "fixed") {
        BUNCH_ASSIGN_OR_RETURN(options.all.fixed, parse_duration(key, text));
    } else if (key == "per_row") {
        BUNCH_ASSIGN_OR_RETURN(options.all.per_row, parse_duration(key, text));
    } else if (key == "lanes") {
        BUNCH_ASSIGN_OR_RETURN(options.device.lanes, parse_count(key, text, wire::kMaxLanes));
    } else if (key == "slots") {
        BUNCH_ASSIGN_OR_RETURN(options.device.slots_per_lane,
                               parse_count(key, text, wire::kMaxSlots));
    } else if (key == "device_class") {
        BUNCH_ASSIGN_OR_RETURN(options.device.device_class, parse_class(text));
    } else if (key == "noise") {
        BUNCH_ASSIGN_OR_RETURN(options.noise, parse_noise(key, text));
    } else if (key == "seed") {
        BUNCH_ASSIGN_OR_RETURN(options.seed, parse_count(key, text, UINT32_MAX));
    } else if (key == "load_time") {
        BUNCH_ASSIGN_OR_RETURN(options.load_time, parse_duration(key, text));
    } else {
        return unknown(key);
    }
    return ok_status();
}

}  // namespace

Result<SimulatedOptions> SimulatedOptions::from(const BackendOptions& options) {
    SimulatedOptions parsed;
    // Models' own options change what holds for all, so that comes first.
    for (const auto& [key, text] : options)
        if (key.find('.') == std::string::npos)
            BUNCH_RETURN_IF_ERROR(read_option(key, text, parsed));
    for (const auto& [key, text] : options) {
        const std::size_t dot = key.rfind('.');
        if (dot == std::string::npos) continue;
        auto& times = parsed.models.try_emplace(key.substr(0, dot), parsed.all).first->second;
        BUNCH_RETURN_IF_ERROR(read_model_option(key.substr(dot + 1), key, text, times));
    }
    return parsed;
}

const SimulatedTimes& SimulatedOptions::times_of(const std::string& model) const {
    const auto found = models.find(model);
    return found == models.end() ? all : found->second;
}

}  // namespace bunch
