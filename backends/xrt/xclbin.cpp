#include "backends/xrt/xclbin.h"

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "backends/xrt/xclbin_format.h"

namespace bunch::fpga {
namespace {

constexpr std::array kSectionNames = {"BITSTREAM",
                                      "CLEARING_BITSTREAM",
                                      "EMBEDDED_METADATA",
                                      "FIRMWARE",
                                      "DEBUG_DATA",
                                      "SCHED_FIRMWARE",
                                      "MEM_TOPOLOGY",
                                      "CONNECTIVITY",
                                      "IP_LAYOUT",
                                      "DEBUG_IP_LAYOUT",
                                      "DESIGN_CHECK_POINT",
                                      "CLOCK_FREQ_TOPOLOGY",
                                      "MCS",
                                      "BMC",
                                      "BUILD_METADATA",
                                      "KEYVALUE_METADATA",
                                      "USER_METADATA",
                                      "DNA_CERTIFICATE",
                                      "PDI",
                                      "BITSTREAM_PARTIAL_PDI",
                                      "PARTITION_METADATA",
                                      "EMULATION_DATA",
                                      "SYSTEM_METADATA",
                                      "SOFT_KERNEL",
                                      "ASK_FLASH",
                                      "AIE_METADATA",
                                      "ASK_GROUP_TOPOLOGY",
                                      "ASK_GROUP_CONNECTIVITY",
                                      "SMARTNIC",
                                      "AIE_RESOURCES",
                                      "OVERLAY",
                                      "VENDER_METADATA"};

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

int hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

Status check_kernel(const Kernel& kernel) {
    const std::string who = "kernel '" + kernel.name + "'";
    if (!format::is_identifier(kernel.name))
        return invalid_argument(who + " has a name that is no identifier");
    if (kernel.arguments.size() > kMaxKernelArguments)
        return invalid_argument(who + " has more than " + std::to_string(kMaxKernelArguments) +
                                " arguments");
    for (const KernelArgument& argument : kernel.arguments) {
        const std::string which = "argument '" + argument.name + "' of " + who;
        if (!format::is_identifier(argument.name))
            return invalid_argument(which + " has a name that is no identifier");
        if (argument.bytes == 0 || argument.bytes > 64 || argument.offset < 0x10 ||
            argument.offset % 4 != 0 || argument.offset > kMaxRegisterMap - argument.bytes)
            return invalid_argument(which + " does not lie in the registers 0x10 to " +
                                    std::to_string(kMaxRegisterMap));
        if (argument.pointer && argument.bytes != 8)
            return invalid_argument(which + " is a pointer of " + std::to_string(argument.bytes) +
                                    " bytes, not 8");
    }
    return ok_status();
}

Status check_memory(const Memory& memory) {
    if (memory.tag.empty() || memory.tag.size() >= format::kMemoryTagBytes)
        return invalid_argument("memory tag '" + memory.tag + "' is empty or above 15 characters");
    if (memory.bytes % 1024 != 0 || memory.base > UINT64_MAX - memory.bytes)
        return invalid_argument("memory '" + memory.tag + "' has an impossible size or address");
    return ok_status();
}

Status check_unit(const Xclbin& design, const Unit& unit) {
    if (unit.name.size() >= format::kUnitNameBytes)
        return invalid_argument("unit '" + unit.name + "' has a name above 63 characters");
    if (unit.type != 1) return ok_status();
    const std::size_t colon = unit.name.find(':');
    const std::string_view kernel = std::string_view(unit.name).substr(0, colon);
    if (colon == std::string::npos ||
        !format::is_identifier(std::string_view(unit.name).substr(colon + 1)))
        return invalid_argument("compute unit '" + unit.name + "' is not named kernel:unit");
    if (design.find_kernel(kernel) == nullptr)
        return invalid_argument("compute unit '" + unit.name +
                                "' is of a kernel that the metadata does not describe");
    return ok_status();
}

Status check_connection(const Xclbin& design, const Connection& connection) {
    const Status wrong =
        invalid_argument("a connection of argument " + std::to_string(connection.argument) +
                         " leads from unit " + std::to_string(connection.unit) + " to memory " +
                         std::to_string(connection.memory) + ", one of which is not");
    if (connection.unit >= design.units.size() || connection.memory >= design.memories.size())
        return wrong;
    const Unit& unit = design.units[connection.unit];
    if (unit.type != 1) return ok_status();
    // check_unit() has found the kernel.
    const Kernel* kernel = design.find_kernel(unit.name.substr(0, unit.name.find(':')));
    return connection.argument < kernel->arguments.size() ? ok_status() : wrong;
}

}  // namespace

namespace format {

bool is_identifier(std::string_view text) {
    return !text.empty() && text.size() < kUnitNameBytes && is_letter(text[0]) &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return is_letter(c) || is_digit(c); });
}

Status check_design(const Xclbin& design) {
    if (design.platform.size() >= kPlatformBytes)
        return invalid_argument("platform '" + design.platform + "' is above 63 characters");
    if (design.memories.size() > kMaxMemories || design.units.size() > kMaxIpBlocks ||
        design.connections.size() > kMaxConnections || design.kernels.size() > kMaxIpBlocks)
        return invalid_argument(
            "there are more memories, units, connections or kernels than any "
            "card has");
    for (const Memory& memory : design.memories) BUNCH_RETURN_IF_ERROR(check_memory(memory));
    for (const Kernel& kernel : design.kernels) {
        BUNCH_RETURN_IF_ERROR(check_kernel(kernel));
        if (design.find_kernel(kernel.name) != &kernel)
            return invalid_argument("kernel '" + kernel.name + "' is described twice");
    }
    for (const Unit& unit : design.units) BUNCH_RETURN_IF_ERROR(check_unit(design, unit));
    for (const Connection& connection : design.connections)
        BUNCH_RETURN_IF_ERROR(check_connection(design, connection));
    return ok_status();
}

}  // namespace format

std::string section_name(std::uint32_t kind) {
    return kind < kSectionNames.size() ? kSectionNames[kind] : "kind " + std::to_string(kind);
}

std::string to_text(const Uuid& uuid) {
    std::string text;
    for (std::size_t i = 0; i < uuid.size(); ++i) {
        char digits[3];
        std::snprintf(digits, sizeof digits, "%02x", uuid[i]);
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        text += digits;
    }
    return text;
}

Result<Uuid> parse_uuid(std::string_view text) {
    std::string digits(text);
    digits.erase(std::remove(digits.begin(), digits.end(), '-'), digits.end());
    Uuid uuid{};
    const bool hex =
        std::all_of(digits.begin(), digits.end(), [](char c) { return hex_digit(c) >= 0; });
    if (!hex || digits.size() != 2 * uuid.size())
        return invalid_argument("is no UUID (write 32 hexadecimal digits)");
    for (std::size_t i = 0; i < uuid.size(); ++i)
        uuid[i] =
            static_cast<std::uint8_t>(hex_digit(digits[2 * i]) * 16 + hex_digit(digits[2 * i + 1]));
    return uuid;
}

const Kernel* Xclbin::find_kernel(std::string_view name) const {
    const auto found = std::find_if(kernels.begin(), kernels.end(),
                                    [name](const Kernel& kernel) { return kernel.name == name; });
    return found == kernels.end() ? nullptr : &*found;
}

std::vector<std::string> Xclbin::units_of(std::string_view kernel) const {
    std::vector<std::string> names;
    for (const Unit& unit : units) {
        if (unit.type != 1 || unit.name.size() <= kernel.size()) continue;
        if (unit.name.compare(0, kernel.size(), kernel) != 0 || unit.name[kernel.size()] != ':')
            continue;
        names.push_back(unit.name.substr(kernel.size() + 1));
    }
    return names;
}

Result<std::vector<std::byte>> read_file_bytes(const std::string& path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    const std::streamoff end = file ? std::streamoff{file.tellg()} : -1;
    if (end < 0) return not_found(path + " cannot be read (check the path and its permissions)");
    if (static_cast<std::uint64_t>(end) > kMaxXclbinBytes)
        return invalid_argument(path + " is a folder, or above 2 GiB: this is no xclbin");
    std::vector<std::byte> bytes(static_cast<std::size_t>(end));
    file.seekg(0);
    file.read(reinterpret_cast<char*>(bytes.data()), end);
    if (!file) return not_found(path + " cannot be read to its end");
    return bytes;
}

}  // namespace bunch::fpga
