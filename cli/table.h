/// Text in columns, for people.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace bunch {

/// Writes rows below `heading`, each column as wide as its widest cell. All rows have as many cells
/// as the heading.
void write_table(std::ostream& out, const std::vector<std::string>& heading,
                 const std::vector<std::vector<std::string>>& rows);

}  // namespace bunch
