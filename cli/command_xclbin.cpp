#include <cstdio>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "backends/xrt/xclbin.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "cli/xclbin_description.h"

namespace bunch {
namespace {

using nlohmann::json;

struct XclbinOptions {
    std::string file;
    std::string description;
    bool json = false;
};

std::string hex(std::uint64_t value) {
    char text[32];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
    return text;
}

/// "rows, in*, out*".
std::string arguments_of(const fpga::Kernel& kernel) {
    std::string all;
    for (const fpga::KernelArgument& argument : kernel.arguments)
        all += (all.empty() ? "" : ", ") + argument.name + (argument.pointer ? "*" : "");
    return all;
}

/// Memories that a unit reaches, by their tags.
std::string memories_of(const fpga::Xclbin& design, std::size_t unit) {
    std::string all;
    for (const fpga::Connection& connection : design.connections) {
        if (connection.unit != unit) continue;
        all += (all.empty() ? "" : ", ") + std::to_string(connection.argument) + " -> " +
               design.memories[connection.memory].tag;
    }
    return all;
}

void write_text(const fpga::Xclbin& design, std::ostream& out) {
    out << "uuid      " << fpga::to_text(design.uuid) << "\nplatform  " << design.platform
        << "\n\n";
    std::vector<std::vector<std::string>> rows;
    for (const fpga::Section& section : design.sections)
        rows.push_back({fpga::section_name(section.kind), std::to_string(section.offset),
                        std::to_string(section.bytes)});
    write_table(out, {"SECTION", "OFFSET", "BYTES"}, rows);
    rows.clear();
    for (const fpga::Memory& memory : design.memories)
        rows.push_back({memory.tag, memory.used ? "yes" : "no", hex(memory.base),
                        std::to_string(memory.bytes)});
    out << '\n';
    write_table(out, {"MEMORY", "USED", "BASE", "BYTES"}, rows);
    rows.clear();
    for (const fpga::Kernel& kernel : design.kernels)
        rows.push_back({kernel.name, arguments_of(kernel)});
    out << '\n';
    write_table(out, {"KERNEL", "ARGUMENTS"}, rows);
    rows.clear();
    for (std::size_t i = 0; i < design.units.size(); ++i)
        rows.push_back({design.units[i].name, hex(design.units[i].base), memories_of(design, i)});
    out << '\n';
    write_table(out, {"UNIT", "BASE", "ARGUMENT -> MEMORY"}, rows);
}

json json_of(const fpga::Xclbin& design) {
    json sections = json::array(), memories = json::array(), kernels = json::array(),
         units = json::array(), connections = json::array();
    for (const fpga::Section& section : design.sections)
        sections.push_back({{"kind", section.kind},
                            {"name", fpga::section_name(section.kind)},
                            {"offset", section.offset},
                            {"bytes", section.bytes}});
    for (const fpga::Memory& memory : design.memories)
        memories.push_back({{"tag", memory.tag},
                            {"type", memory.type},
                            {"used", memory.used},
                            {"base", memory.base},
                            {"bytes", memory.bytes}});
    for (const fpga::Kernel& kernel : design.kernels) {
        json arguments = json::array();
        for (const fpga::KernelArgument& argument : kernel.arguments)
            arguments.push_back({{"name", argument.name},
                                 {"pointer", argument.pointer},
                                 {"offset", argument.offset},
                                 {"bytes", argument.bytes}});
        kernels.push_back({{"name", kernel.name}, {"arguments", arguments}});
    }
    for (const fpga::Unit& unit : design.units)
        units.push_back({{"name", unit.name}, {"base", unit.base}, {"type", unit.type}});
    for (const fpga::Connection& connection : design.connections)
        connections.push_back({{"argument", connection.argument},
                               {"unit", connection.unit},
                               {"memory", connection.memory}});
    return {{"uuid", fpga::to_text(design.uuid)},
            {"platform", design.platform},
            {"timestamp", design.timestamp},
            {"sections", sections},
            {"memories", memories},
            {"kernels", kernels},
            {"units", units},
            {"connections", connections}};
}

Status inspect(const XclbinOptions& options, const Console& console) {
    BUNCH_ASSIGN_OR_RETURN(const auto bytes, fpga::read_file_bytes(options.file));
    const auto design = fpga::parse_xclbin(bytes);
    if (!design.ok()) return design.status().with_context(options.file);
    if (options.json)
        console.out << json_of(*design).dump(2) << '\n';
    else
        write_text(*design, console.out);
    return {};
}

Status make(const XclbinOptions& options, const Console& console) {
    BUNCH_ASSIGN_OR_RETURN(const auto bytes, make_xclbin(options.description));
    std::ofstream file(options.file, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    if (!file.flush())
        return unavailable(options.file +
                           " cannot be written (check the path, its permissions and "
                           "the space that is left)");
    const auto design = fpga::parse_xclbin(bytes);
    console.out << options.file << ": " << bytes.size() << " bytes, uuid "
                << fpga::to_text(design->uuid) << '\n';
    return {};
}

}  // namespace

void add_xclbin_command(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<XclbinOptions>();
    CLI::App* xclbin = app.add_subcommand("xclbin", "Files of FPGA designs");
    xclbin->require_subcommand(1);

    CLI::App* show = xclbin->add_subcommand("inspect", "Check a file and say what is in it");
    show->add_option("file", options->file, "The xclbin")->required();
    show->add_flag("--json", options->json, "Print JSON");
    show->callback([options, &chosen] {
        chosen = [options](const Console& console) { return inspect(*options, console); };
    });

    CLI::App* write = xclbin->add_subcommand("make", "Write a file from a description");
    write->add_option("description", options->description, "TOML, see docs/FPGA.md")->required();
    write->add_option("file", options->file, "Where to")->required();
    write->callback([options, &chosen] {
        chosen = [options](const Console& console) { return make(*options, console); };
    });
}

}  // namespace bunch
