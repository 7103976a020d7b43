#include "backends/xrt/sensors.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

namespace bunch::fpga {
namespace {

using nlohmann::json;

/// XRT writes numbers as texts, and "N/A".
std::optional<double> number_in(const json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_string()) return std::nullopt;
    const std::string& text = found->get_ref<const std::string&>();
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
        return std::nullopt;
    return value;
}

bool is_text(const json& object, const char* key, const char* text) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() && *found == text;
}

}  // namespace

std::optional<double> celsius_in(const std::string& thermal) {
    const json root = json::parse(thermal, nullptr, false);
    if (!root.is_object() || !root.contains("thermals")) return std::nullopt;
    std::optional<double> highest;
    for (const json& sensor : root["thermals"]) {
        if (!sensor.is_object() || !is_text(sensor, "is_present", "true")) continue;
        const auto place = sensor.find("location_id");
        if (place == sensor.end() || !place->is_string() ||
            place->get_ref<const std::string&>().rfind("fpga", 0) != 0)
            continue;
        const auto celsius = number_in(sensor, "temp_C");
        if (celsius && (!highest || *celsius > *highest)) highest = celsius;
    }
    return highest;
}

std::optional<double> watts_in(const std::string& electrical) {
    const json root = json::parse(electrical, nullptr, false);
    return root.is_object() ? number_in(root, "power_consumption_watts") : std::nullopt;
}

}  // namespace bunch::fpga
