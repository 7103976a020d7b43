#include "config/document.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cstdio>
#include <sstream>

namespace bunch {
namespace {

constexpr std::size_t kMaxShown = 60;

Node convert(const toml::node& from);

template <typename T>
std::string written(const T& value) {
    std::ostringstream out;
    out << value;
    return out.str();
}

void convert_table(const toml::table& table, Node& to) {
    to.kind = Node::Kind::table;
    for (const auto& [key, value] : table) {
        to.entries.push_back({std::string(key.str()), convert(value)});
        to.entries.back().value.line = key.source().begin.line;
    }
    // toml++ keeps keys in alphabetic order; people read from top to bottom.
    std::stable_sort(to.entries.begin(), to.entries.end(),
                     [](const Entry& a, const Entry& b) { return a.line() < b.line(); });
}

/// Recursion is bounded: toml++ refuses values nested deeper than 256.
Node convert(const toml::node& from) {
    Node to;
    to.line = from.source().begin.line;
    if (const auto* text = from.as_string()) {
        to.kind = Node::Kind::text;
        to.text = text->get();
    } else if (const auto* integer = from.as_integer()) {
        to.kind = Node::Kind::integer;
        to.integer = integer->get();
        to.real = static_cast<double>(to.integer);
        to.text = std::to_string(to.integer);
    } else if (const auto* flag = from.as_boolean()) {
        to.kind = Node::Kind::flag;
        to.flag = flag->get();
        to.text = to.flag ? "true" : "false";
    } else if (const auto* real = from.as_floating_point()) {
        to.kind = Node::Kind::real;
        to.real = real->get();
        to.text = written(to.real);
    } else if (const auto* list = from.as_array()) {
        to.kind = Node::Kind::list;
        for (const toml::node& item : *list) to.items.push_back(convert(item));
    } else if (const auto* table = from.as_table()) {
        convert_table(*table, to);
    } else {
        to.text = "a date or time";
    }
    return to;
}

}  // namespace

Result<Node> parse_document(std::string_view text, const std::string& name) {
    try {
        return convert(toml::parse(text));
    } catch (const toml::parse_error& error) {
        return invalid_argument(name + ':' + std::to_string(error.source().begin.line) + ": " +
                                one_line(error.description()));
    }
}

std::string one_line(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c >= ' ' && c < '\x7f') {
            out += c;
        } else {
            char escape[5];
            std::snprintf(escape, sizeof(escape), "\\x%02x", static_cast<unsigned char>(c));
            out += escape;
        }
    }
    return out;
}

std::string shown_text(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text.substr(0, kMaxShown)) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return one_line(quoted) + (text.size() > kMaxShown ? "...\"" : "\"");
}

std::string shown(const Node& node) {
    switch (node.kind) {
        case Node::Kind::text:
            return shown_text(node.text);
        case Node::Kind::list:
            return node.items.empty() ? "[]" : "a list";
        case Node::Kind::table:
            return "a table";
        default:
            return node.text;
    }
}

}  // namespace bunch
