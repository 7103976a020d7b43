#include "cli/table.h"

#include <algorithm>

namespace bunch {
namespace {

void write_row(std::ostream& out, const std::vector<std::string>& cells,
               const std::vector<std::size_t>& widths) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        line += cells[i];
        if (i + 1 < cells.size()) line.append(widths[i] - cells[i].size() + 2, ' ');
    }
    out << line << '\n';
}

}  // namespace

void write_table(std::ostream& out, const std::vector<std::string>& heading,
                 const std::vector<std::vector<std::string>>& rows) {
    std::vector<std::size_t> widths;
    for (const std::string& cell : heading) widths.push_back(cell.size());
    for (const auto& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    write_row(out, heading, widths);
    for (const auto& row : rows) write_row(out, row, widths);
}

}  // namespace bunch
