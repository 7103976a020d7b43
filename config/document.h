/// A TOML text as a tree of plain values that know their lines. The only file that knows toml++ is
/// document.cpp; what the keys mean is the business of load.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace bunch {

struct Entry;

/// One value. Only the members that belong to `kind` have a meaning.
struct Node {
    enum class Kind : std::uint8_t { text, integer, real, flag, list, table, other };

    Kind kind = Kind::other;
    std::uint32_t line = 0;  ///< 1-based; 0: not known
    std::string text;        ///< of a text: itself; of another scalar: as it would be written
    std::int64_t integer = 0;
    double real = 0;  ///< of an integer, too
    bool flag = false;
    std::vector<Node> items;     ///< of a list
    std::vector<Entry> entries;  ///< of a table, in the order of the file
};

/// One key of a table and its value.
struct Entry {
    std::string key;
    Node value;

    std::uint32_t line() const { return value.line; }
};

/// The table that the whole text is; or invalid_argument with "name:line: what is wrong".
Result<Node> parse_document(std::string_view text, const std::string& name);

/// The text with all that is not printable ASCII escaped, so that it cannot break a line.
std::string one_line(std::string_view text);

/// For messages: `"5"`, `5`, `true`, `a list`, `a table`. One line of printable ASCII, cut at 60
/// characters.
std::string shown(const Node& node);
std::string shown_text(std::string_view text);

}  // namespace bunch
