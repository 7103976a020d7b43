#include "monitoring/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <memory>

namespace bunch::log {
namespace {

constexpr std::size_t kMaxValueBytes = 1024;
constexpr std::array<std::string_view, 4> kNames = {"debug", "info", "warn", "error"};
// Of sd-daemon(3): how the journal learns the priority of a line on stderr.
constexpr std::array<std::string_view, 4> kJournalPrefixes = {"<7>", "<6>", "<4>", "<3>"};

constexpr std::size_t index_of(Level level) {
    return static_cast<std::size_t>(level);
}

bool is_plain(char c) {
    return c > ' ' && c < '\x7f' && c != '"' && c != '\\' && c != '=';
}

void append_escaped(std::string& line, char c) {
    switch (c) {
        case '"':
            line += "\\\"";
            return;
        case '\\':
            line += "\\\\";
            return;
        case '\n':
            line += "\\n";
            return;
        case '\r':
            line += "\\r";
            return;
        case '\t':
            line += "\\t";
            return;
        default:
            break;
    }
    if (c >= ' ' && c < '\x7f') {
        line += c;
    } else {
        fmt::format_to(std::back_inserter(line), "\\x{:02x}", static_cast<unsigned char>(c));
    }
}

void append(std::string& line, std::string_view text) {
    const std::string_view kept = text.substr(0, kMaxValueBytes);
    if (!text.empty() && kept.size() == text.size() &&
        std::all_of(text.begin(), text.end(), is_plain)) {
        line += text;
        return;
    }
    line += '"';
    for (const char c : kept) append_escaped(line, c);
    if (kept.size() < text.size()) line += "...";
    line += '"';
}
void append(std::string& line, bool value) {
    line += value ? "true" : "false";
}
void append(std::string& line, double value) {
    fmt::format_to(std::back_inserter(line), "{:.6g}", value);
}
void append(std::string& line, std::int64_t value) {
    fmt::format_to(std::back_inserter(line), "{}", value);
}
void append(std::string& line, std::uint64_t value) {
    fmt::format_to(std::back_inserter(line), "{}", value);
}

/// Whether stderr is a stream of the journal: see JOURNAL_STREAM in systemd.exec(5).
bool stderr_is_journal() {
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat file {};
    if (stream == nullptr || fstat(STDERR_FILENO, &file) != 0) return false;
    return fmt::format("{}:{}", file.st_dev, file.st_ino) == stream;
}

struct Output {
    Output()
        : journal(stderr_is_journal()),
          logger("bunch", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
        logger.set_level(spdlog::level::info);
        logger.set_pattern(journal ? "%v" : "%Y-%m-%dT%H:%M:%S.%eZ %v",
                           spdlog::pattern_time_type::utc);
    }
    bool journal;
    spdlog::logger logger;
};

Output& output() {
    static Output the_output;
    return the_output;
}

constexpr std::array<spdlog::level::level_enum, 4> kSpdlogLevels = {
    spdlog::level::debug, spdlog::level::info, spdlog::level::warn, spdlog::level::err};

void write(Level level, std::string_view event, Fields fields) {
    Output& to = output();
    const auto spdlog_level = kSpdlogLevels[index_of(level)];
    if (!to.logger.should_log(spdlog_level)) return;
    std::string line(to.journal ? kJournalPrefixes[index_of(level)] : std::string_view());
    line += format_line(level, event, fields);
    to.logger.log(spdlog_level, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace

std::optional<Level> level_named(std::string_view name) {
    const auto found = std::find(kNames.begin(), kNames.end(), name);
    if (found == kNames.end()) return std::nullopt;
    return static_cast<Level>(found - kNames.begin());
}

void set_level(Level level) {
    output().logger.set_level(kSpdlogLevels[index_of(level)]);
}

void debug(std::string_view event, Fields fields) {
    write(Level::debug, event, fields);
}
void info(std::string_view event, Fields fields) {
    write(Level::info, event, fields);
}
void warn(std::string_view event, Fields fields) {
    write(Level::warn, event, fields);
}
void error(std::string_view event, Fields fields) {
    write(Level::error, event, fields);
}

std::string format_line(Level level, std::string_view event, Fields fields) {
    std::string line = fmt::format("{} {}", kNames[index_of(level)], event);
    for (const Field& field : fields) {
        line += ' ';
        line += field.key();
        line += '=';
        std::visit([&line](auto value) { append(line, value); }, field.value());
    }
    return line;
}

}  // namespace bunch::log
