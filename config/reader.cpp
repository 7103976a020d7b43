#include "config/reader.h"

#include <algorithm>
#include <numeric>
#include <sstream>

#include "config/units.h"

namespace bunch {
namespace {

/// Levenshtein's distance: insertions, deletions and replacements from one to the other.
std::size_t edits_between(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row[b.size()];
}

std::string key_text(std::string_view key) {
    const std::string quoted = shown_text(key);
    // As it was written, unless that would break the line.
    return quoted.size() == key.size() + 2 ? std::string(key) : quoted;
}

bool is_name(std::string_view text) {
    return !text.empty() && text.front() != '.' &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '-' || c == '.';
           });
}

std::string number_text(double number) {
    std::ostringstream out;
    out << number;
    return out.str();
}

/// The scalar as text for the parsers of units, which explain numbers without a unit.
bool expect_quantity(Problems& problems, const Entry& entry, std::string_view wanted) {
    if (entry.value.kind == Node::Kind::integer) return true;
    return expect(problems, entry, Node::Kind::text, wanted);
}

}  // namespace

void Problems::add(std::uint32_t line, const std::string& what) {
    found_.emplace_back(line, what);
}

void Problems::add(const Entry& entry, const std::string& what) {
    add(entry.key, entry.value, what);
}

void Problems::add(std::string_view key, const Node& value, const std::string& what) {
    add(value.line, key_text(key) + " = " + shown(value) + ' ' + what);
}

std::vector<std::string> Problems::lines() const {
    auto sorted = found_;
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<std::string> lines;
    for (const auto& [line, what] : sorted) {
        const std::string place = line == 0 ? "" : ':' + std::to_string(line);
        lines.push_back(file_ + place + ": " + one_line(what));
    }
    return lines;
}

bool expect(Problems& problems, const Entry& entry, Node::Kind kind, std::string_view wanted) {
    if (entry.value.kind == kind) return true;
    problems.add(entry, "is of the wrong type (write " + std::string(wanted) + ")");
    return false;
}

void report_unknown_key(Problems& problems, const Entry& entry,
                        const std::vector<std::string_view>& known) {
    std::string_view nearest;
    std::size_t fewest = std::string_view::npos;
    std::string all;
    for (const std::string_view key : known) {
        // A key of megabytes is no misspelling, and would take long to compare.
        const std::size_t edits = edits_between(std::string_view(entry.key).substr(0, 64), key);
        if (edits < fewest) {
            fewest = edits;
            nearest = key;
        }
        all += (all.empty() ? "" : ", ") + std::string(key);
    }
    const bool is_near = fewest <= std::max<std::size_t>(2, nearest.size() / 3);
    problems.add(
        entry.line(),
        key_text(entry.key) + " is not a known key (" +
            (is_near ? "did you mean " + std::string(nearest) + "?" : "known here: " + all) + ")");
}

void read_text(Problems& problems, const Entry& entry, std::string& to) {
    if (!expect(problems, entry, Node::Kind::text, "a text in quotes")) return;
    if (entry.value.text.find('\0') != std::string::npos)
        return problems.add(entry, "contains a zero byte (write printable characters)");
    to = entry.value.text;
}

void read_name(Problems& problems, const Entry& entry, std::size_t longest, std::string& to) {
    if (!expect(problems, entry, Node::Kind::text, "a name in quotes")) return;
    if (entry.value.text.empty()) return problems.add(entry, "is empty (write a name)");
    if (entry.value.text.size() > longest)
        return problems.add(entry,
                            "is too long (at most " + std::to_string(longest) + " characters)");
    if (!is_name(entry.value.text))
        return problems.add(entry,
                            "is not a name (use letters, digits, '_', '-' and '.', and begin "
                            "with another than '.')");
    to = entry.value.text;
}

void read_flag(Problems& problems, const Entry& entry, bool& to) {
    if (expect(problems, entry, Node::Kind::flag, "true or false")) to = entry.value.flag;
}

void read_count(Problems& problems, const Entry& entry, std::uint32_t least, std::uint32_t most,
                std::uint32_t& to) {
    if (!expect(problems, entry, Node::Kind::integer, "a whole number without quotes")) return;
    if (entry.value.integer < least || entry.value.integer > most)
        return problems.add(entry, "is out of range (" + std::to_string(least) + " to " +
                                       std::to_string(most) + ")");
    to = static_cast<std::uint32_t>(entry.value.integer);
}

void read_number(Problems& problems, const Entry& entry, double least, double most, double& to) {
    const Node::Kind kind = entry.value.kind;
    if (kind != Node::Kind::integer &&
        !expect(problems, entry, Node::Kind::real, "a number without quotes"))
        return;
    const double number = entry.value.real;
    if (!(number >= least && number <= most))  // nan is out of range, too
        return problems.add(
            entry, "is out of range (" + number_text(least) + " to " + number_text(most) + ")");
    to = number;
}

void read_size(Problems& problems, const Entry& entry, std::uint64_t least, std::uint64_t most,
               std::uint64_t& to) {
    if (!expect_quantity(problems, entry, "a size such as \"64MiB\"")) return;
    const Result<std::uint64_t> bytes = parse_bytes(entry.value.text);
    if (!bytes.ok()) return problems.add(entry, bytes.status().message());
    if (*bytes < least || *bytes > most)
        return problems.add(
            entry, "is out of range (" + bytes_to_text(least) + " to " + bytes_to_text(most) + ")");
    to = *bytes;
}

void read_duration(Problems& problems, const Entry& entry, Duration least, Duration most,
                   Duration& to) {
    if (!expect_quantity(problems, entry, "a time such as \"5ms\"")) return;
    const Result<Duration> span = parse_duration(entry.value.text);
    if (!span.ok()) return problems.add(entry, span.status().message());
    if (*span < least || *span > most)
        return problems.add(entry,
                            "is out of range (" + to_text(least) + " to " + to_text(most) + ")");
    to = *span;
}

void read_texts(Problems& problems, const Entry& entry, std::vector<std::string>& to) {
    if (!expect(problems, entry, Node::Kind::list, "a list of texts: [\"...\"]")) return;
    std::vector<std::string> texts;
    for (const Node& item : entry.value.items) {
        std::string text;
        read_text(problems, {entry.key, item}, text);
        if (item.kind != Node::Kind::text) return;
        if (text.empty()) return problems.add(entry.key, item, "is empty (write a text)");
        if (std::find(texts.begin(), texts.end(), text) != texts.end())
            return problems.add(entry.key, item, "is there twice (once is enough)");
        texts.push_back(std::move(text));
    }
    if (texts.empty()) return problems.add(entry, "is empty (name at least one)");
    to = std::move(texts);
}

}  // namespace bunch
