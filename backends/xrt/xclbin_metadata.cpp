#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <cstdio>
#include <map>
#include <sstream>
#include <string>

#include "backends/xrt/xclbin_format.h"

namespace bunch::fpga::format {
namespace {

using Tree = boost::property_tree::ptree;

// The parser (XRT uses the same) recurses once per level, so depth is a matter of the stack.
constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxMetadataBytes = std::size_t{64} << 20;

/// The position after the tag, comment or declaration that begins at `at` with '<'.
std::size_t skip_markup(std::string_view xml, std::size_t at) {
    constexpr std::pair<std::string_view, std::string_view> kBlocks[] = {
        {"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}};
    for (const auto& [begin, end] : kBlocks) {
        if (xml.substr(at, begin.size()) != begin) continue;
        const std::size_t found = xml.find(end, at + begin.size());
        return found == std::string_view::npos ? xml.size() : found + end.size();
    }
    char quote = '\0';
    for (++at; at < xml.size(); ++at) {
        const char c = xml[at];
        if (quote != '\0') {
            if (c == quote) quote = '\0';
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '>') {
            return at + 1;
        }
    }
    return at;
}

bool is_too_deep(std::string_view xml) {
    int depth = 0;
    for (std::size_t at = xml.find('<'); at < xml.size(); at = xml.find('<', at)) {
        const std::size_t next = skip_markup(xml, at);
        const char second = at + 1 < xml.size() ? xml[at + 1] : '\0';
        if (second == '/')
            --depth;
        else if (second != '!' && second != '?' && (next < 2 || xml[next - 2] != '/'))
            ++depth;
        if (depth > kMaxDepth) return true;
        at = next;
    }
    return false;
}

/// As XRT reads numbers: C notation, empty is 0. Throws as std::stoull does.
std::uint64_t number(const Tree& element, const char* attribute) {
    const auto text = element.get<std::string>(std::string("<xmlattr>.") + attribute);
    return text.empty() ? 0 : std::stoull(text, nullptr, 0);
}

std::uint32_t small_number(const Tree& element, const char* attribute) {
    const std::uint64_t value = number(element, attribute);
    if (value > kMaxRegisterMap)
        throw std::out_of_range(std::string(attribute) + " " + std::to_string(value) +
                                " of an argument is too large");
    return static_cast<std::uint32_t>(value);
}

std::string name_of(const Tree& element) {
    return element.get<std::string>("<xmlattr>.name");
}

Kernel parse_kernel(const Tree& element) {
    Kernel kernel;
    kernel.name = name_of(element);
    std::map<std::uint32_t, KernelArgument> by_number;
    for (const auto& [tag, child] : element) {
        if (tag != "arg") continue;
        // Without a number: for the tools, never set by a program.
        if (child.get<std::string>("<xmlattr>.id").empty()) continue;
        const KernelArgument argument{name_of(child), number(child, "addressQualifier") == 1,
                                      small_number(child, "offset"), small_number(child, "size"),
                                      child.get<std::string>("<xmlattr>.type", "")};
        const auto [place, is_new] = by_number.emplace(small_number(child, "id"), argument);
        if (is_new) continue;
        // An argument in several parts, e.g. a vector.
        place->second.bytes += argument.bytes;
        place->second.offset = std::min(place->second.offset, argument.offset);
    }
    for (auto& [index, argument] : by_number) {
        if (index != kernel.arguments.size())
            throw std::out_of_range("kernel '" + kernel.name + "' has no argument number " +
                                    std::to_string(kernel.arguments.size()) + ", but a later one");
        kernel.arguments.push_back(std::move(argument));
    }
    return kernel;
}

Tree attributes(std::initializer_list<std::pair<const char*, std::string>> list) {
    Tree element;
    for (const auto& [key, value] : list) element.put(std::string("<xmlattr>.") + key, value);
    return element;
}

std::string hex(std::uint64_t value) {
    char text[32];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
    return text;
}

Tree kernel_element(const Xclbin& design, const Kernel& kernel) {
    Tree element = attributes({{"name", kernel.name}, {"language", "c"}});
    element.add_child("port", attributes({{"name", "M_AXI_GMEM"},
                                          {"mode", "master"},
                                          {"range", "0xFFFFFFFFFFFFFFFF"},
                                          {"dataWidth", "512"},
                                          {"portType", "addressable"},
                                          {"base", "0x0"}}));
    element.add_child("port", attributes({{"name", "S_AXI_CONTROL"},
                                          {"mode", "slave"},
                                          {"range", "0x1000"},
                                          {"dataWidth", "32"},
                                          {"portType", "addressable"},
                                          {"base", "0x0"}}));
    std::size_t index = 0;
    for (const KernelArgument& argument : kernel.arguments) {
        element.add_child("arg",
                          attributes({{"name", argument.name},
                                      {"addressQualifier", argument.pointer ? "1" : "0"},
                                      {"id", std::to_string(index++)},
                                      {"port", argument.pointer ? "M_AXI_GMEM" : "S_AXI_CONTROL"},
                                      {"size", hex(argument.bytes)},
                                      {"offset", hex(argument.offset)},
                                      {"hostOffset", "0x0"},
                                      {"hostSize", hex(argument.bytes)},
                                      {"type", argument.type}}));
    }
    for (const Unit& unit : design.units) {
        if (unit.name.compare(0, kernel.name.size() + 1, kernel.name + ":") != 0) continue;
        Tree instance = attributes({{"name", unit.name.substr(kernel.name.size() + 1)}});
        instance.add_child("addrRemap",
                           attributes({{"base", hex(unit.base)}, {"port", "S_AXI_CONTROL"}}));
        element.add_child("instance", instance);
    }
    return element;
}

}  // namespace

Result<std::vector<Kernel>> parse_metadata(std::span<const std::byte> xml) {
    const std::string text(reinterpret_cast<const char*>(xml.data()), xml.size());
    if (text.size() > kMaxMetadataBytes) return invalid_argument("it is above 64 MiB");
    if (is_too_deep(text))
        return invalid_argument("its XML is nested deeper than " + std::to_string(kMaxDepth));
    try {
        Tree tree;
        std::istringstream stream(text);
        boost::property_tree::read_xml(stream, tree);
        std::vector<Kernel> kernels;
        for (const auto& [tag, child] : tree.get_child("project.platform.device.core"))
            if (tag == "kernel") kernels.push_back(parse_kernel(child));
        return kernels;
    } catch (const std::exception& error) {
        return invalid_argument(error.what());
    }
}

std::string write_metadata(const Xclbin& design) {
    Tree core = attributes({{"name", "OCL_REGION_0"}, {"target", "bitstream"}});
    for (const Kernel& kernel : design.kernels)
        core.add_child("kernel", kernel_element(design, kernel));
    Tree device = attributes({{"name", "fpga0"}});
    device.add_child("core", core);
    Tree platform = attributes({{"name", design.platform}});
    platform.add_child("device", device);
    Tree project = attributes({{"name", "bunch"}});
    project.add_child("platform", platform);
    Tree root;
    root.add_child("project", project);
    std::ostringstream text;
    boost::property_tree::write_xml(text, root);
    return text.str();
}

}  // namespace bunch::fpga::format
