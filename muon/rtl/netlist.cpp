// What a netlist takes of an FPGA, and its longest path between registers.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "muon/rtl/verify.h"

namespace bunch::muon {
namespace {

using nlohmann::json;

/// A path's length: LUTs count, then carry chains.
struct Depth {
    std::size_t luts = 0, carries = 0;
    std::size_t total() const { return luts + carries; }
};

struct Cell {
    std::string_view type;
    std::vector<int> inputs, outputs;
    std::size_t missing = 0;  ///< inputs that come of cells not yet visited
    Depth depth;
};

bool starts_with(std::string_view text, std::string_view with) {
    return text.substr(0, with.size()) == with;
}

bool is_register(std::string_view type) {
    return starts_with(type, "FD") || starts_with(type, "DSP48") || starts_with(type, "SRL") ||
           starts_with(type, "RAM");
}

void count(std::string_view type, Area& area) {
    if (starts_with(type, "LUT") || starts_with(type, "SRL")) ++area.luts;
    if (starts_with(type, "FD")) ++area.flip_flops;
    if (starts_with(type, "DSP48")) ++area.dsps;
    if (starts_with(type, "RAMB")) ++area.block_rams;
}

Cell cell_of(const json& entry, std::string_view type) {
    Cell cell;
    cell.type = type;
    const json& directions = entry.at("port_directions");
    for (const auto& [port, bits] : entry.at("connections").items())
        for (const json& bit : bits) {
            if (!bit.is_number()) continue;  // a constant
            (directions.at(port) == "output" ? cell.outputs : cell.inputs)
                .push_back(bit.get<int>());
        }
    return cell;
}

/// Visits cells of logic in the order of their signals; registers begin and end paths.
Depth longest_path(std::vector<Cell>& cells) {
    std::map<int, std::vector<std::size_t>> readers;
    std::map<int, bool> driven_by_logic;
    for (const Cell& cell : cells)
        if (!is_register(cell.type))
            for (const int bit : cell.outputs) driven_by_logic[bit] = true;
    std::vector<std::size_t> ready;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        if (is_register(cells[i].type)) continue;
        for (const int bit : cells[i].inputs)
            if (driven_by_logic.count(bit) > 0) {
                readers[bit].push_back(i);
                ++cells[i].missing;
            }
        if (cells[i].missing == 0) ready.push_back(i);
    }
    Depth longest;
    while (!ready.empty()) {
        Cell& cell = cells[ready.back()];
        ready.pop_back();
        Depth depth = cell.depth;
        if (starts_with(cell.type, "LUT")) ++depth.luts;
        if (starts_with(cell.type, "CARRY")) ++depth.carries;
        if (depth.total() > longest.total()) longest = depth;
        for (const int bit : cell.outputs)
            for (const std::size_t reader : readers[bit]) {
                if (depth.total() > cells[reader].depth.total()) cells[reader].depth = depth;
                if (--cells[reader].missing == 0) ready.push_back(reader);
            }
    }
    return longest;
}

}  // namespace

Result<Area> area_of_netlist(const std::string& text) {
    try {
        const json netlist = json::parse(text);
        const json& entries = netlist.at("modules").at("muon_core").at("cells");
        Area area;
        std::vector<Cell> cells;
        for (const auto& [name, entry] : entries.items()) {
            const auto& type = entry.at("type").get_ref<const std::string&>();
            count(type, area);
            cells.push_back(cell_of(entry, type));
        }
        const Depth depth = longest_path(cells);
        area.lut_levels = depth.luts;
        area.carry_levels = depth.carries;
        return area;
    } catch (const json::exception& error) {
        return invalid_argument(std::string("this is no netlist of muon_core: ") + error.what());
    }
}

}  // namespace bunch::muon
