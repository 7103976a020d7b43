/// The log: one line per event, a fixed name and then fields. A thin layer on spdlog, which only
/// log.cpp knows. Goes to stderr, with a timestamp; or with priorities, where stderr is the
/// journal.
///
///     log::warn("runner_lost", {{"device", device}, {"signal", 9}});
///     2026-03-01T02:03:04.567Z warn runner_lost device=fpga0 signal=9
///
/// `error` asks a person to act, `warn` is a degraded state, `info` a change of state, `debug` the
/// rest; nothing above debug per request. Not for metrics. Any thread.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace bunch::log {

enum class Level : std::uint8_t { debug, info, warn, error };

/// The level of that name, or nothing.
std::optional<Level> level_named(std::string_view name);

/// Events below it are not written. `info` at the start.
void set_level(Level level);

/// One key and its value. Borrows its text: lives for one call only.
class Field {
  public:
    using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

    Field(std::string_view key, std::string_view value) : key_(key), value_(value) {}
    Field(std::string_view key, std::same_as<bool> auto value) : key_(key), value_(value) {}
    Field(std::string_view key, std::floating_point auto value)
        : key_(key), value_(static_cast<double>(value)) {}
    template <std::integral Number>
    requires(!std::same_as<Number, bool>) Field(std::string_view key, Number value) : key_(key) {
        if constexpr (std::unsigned_integral<Number>) {
            value_ = static_cast<std::uint64_t>(value);
        } else {
            value_ = static_cast<std::int64_t>(value);
        }
    }

    std::string_view key() const { return key_; }
    const Value& value() const { return value_; }

  private:
    std::string_view key_;
    Value value_;
};

using Fields = std::initializer_list<Field>;

void debug(std::string_view event, Fields fields = {});
void info(std::string_view event, Fields fields = {});
void warn(std::string_view event, Fields fields = {});
void error(std::string_view event, Fields fields = {});

/// "warn runner_lost device=fpga0 signal=9", as it is written after the timestamp. Whatever a
/// value contains, this is one line of printable ASCII: such values are quoted and escaped, and cut
/// after 1 KiB.
std::string format_line(Level level, std::string_view event, Fields fields);

}  // namespace bunch::log
