#include "config/units.h"

#include <array>
#include <charconv>
#include <limits>
#include <span>

namespace bunch {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

struct Unit {
    std::string_view name;
    std::int64_t factor;
};

constexpr std::array<Unit, 6> kTimes = {Unit{"ns", 1},         {"us", 1'000},
                                        {"ms", 1'000'000},     {"s", 1'000'000'000},
                                        {"m", 60'000'000'000}, {"h", 3'600'000'000'000}};
constexpr std::array<Unit, 5> kSizes = {Unit{"B", 1},
                                        {"KiB", std::int64_t{1} << 10},
                                        {"MiB", std::int64_t{1} << 20},
                                        {"GiB", std::int64_t{1} << 30},
                                        {"TiB", std::int64_t{1} << 40}};

struct Kind {
    std::span<const Unit> units;
    std::array<std::string_view, 3> shown;  ///< units that a message proposes
    std::string_view example;
    std::string_view known;
};
constexpr Kind kTime = {kTimes, {"us", "ms", "s"}, "5ms", "ns, us, ms, s, m and h"};
constexpr Kind kSize = {kSizes, {"KiB", "MiB", "GiB"}, "64MiB", "B, KiB, MiB, GiB and TiB"};

std::string quoted(std::string_view text, std::string_view unit) {
    return '"' + std::string(text) + std::string(unit) + '"';
}

Result<std::int64_t> parse(std::string_view text, const Kind& kind) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view digits = text.substr(0, static_cast<std::size_t>(end - text.data()));
    const std::string_view unit = text.substr(digits.size());
    if (error == std::errc::invalid_argument || number < 0 || unit.starts_with('.')) {
        return invalid_argument("is not a whole number with a unit (such as " +
                                quoted(kind.example, "") + ")");
    }
    if (error == std::errc() && unit.empty()) {
        return invalid_argument("has no unit (write " + quoted(digits, kind.shown[0]) + ", " +
                                quoted(digits, kind.shown[1]) + " or " +
                                quoted(digits, kind.shown[2]) + ")");
    }
    for (const Unit& known : kind.units) {
        if (unit != known.name) continue;
        if (error == std::errc() && number <= kMax / known.factor) return number * known.factor;
        return invalid_argument("is too large (at most 2^63 " + std::string(kind.units[0].name) +
                                ")");
    }
    return invalid_argument("has the unknown unit " + quoted(unit, "") + " (units are " +
                            std::string(kind.known) + ")");
}

/// The number in the largest unit that divides it.
std::string exact_text(std::int64_t number, std::span<const Unit> units) {
    const Unit* best = &units.front();
    for (const Unit& unit : units)
        if (number != 0 && number % unit.factor == 0) best = &unit;
    return std::to_string(number / best->factor) + std::string(best->name);
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
    BUNCH_ASSIGN_OR_RETURN(const std::int64_t nanoseconds, parse(text, kTime));
    return Duration(nanoseconds);
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
    BUNCH_ASSIGN_OR_RETURN(const std::int64_t bytes, parse(text, kSize));
    return static_cast<std::uint64_t>(bytes);
}

std::string to_text(Duration span) {
    return exact_text(span.count(), kTimes);
}

std::string bytes_to_text(std::uint64_t bytes) {
    return exact_text(static_cast<std::int64_t>(bytes), kSizes);
}

}  // namespace bunch
