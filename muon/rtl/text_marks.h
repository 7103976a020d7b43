/// Texts of generated files with marks in them: capitals between @.
#pragma once

#include <string>

namespace bunch::muon {

/// Puts `value` for every @mark@.
inline void fill_mark(std::string& text, const std::string& mark, const std::string& value) {
    const std::string whole = "@" + mark + "@";
    for (std::size_t at = text.find(whole); at != std::string::npos;
         at = text.find(whole, at + value.size()))
        text.replace(at, whole.size(), value);
}

}  // namespace bunch::muon
