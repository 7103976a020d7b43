/// The container of an FPGA design (xclbin, "axlf"), read and written without XRT. XRT's own reader
/// trusts the file and crashes on a damaged one; so every file is parsed here before XRT sees it:
/// each section, each table, each name and each argument is checked. A bitstream is bytes, no more.
///
/// All offsets and counts of a file are hostile until parse_xclbin() has accepted them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace bunch::fpga {

/// Kinds of sections that mean something here; a file may hold others.
namespace section_kind {
inline constexpr std::uint32_t kBitstream = 0;
inline constexpr std::uint32_t kMetadata = 2;  ///< "embedded metadata": XML
inline constexpr std::uint32_t kMemories = 6;
inline constexpr std::uint32_t kConnectivity = 7;
inline constexpr std::uint32_t kUnits = 8;  ///< "IP layout"
}  // namespace section_kind

/// "BITSTREAM" and so on; "kind 77" for a number without a name.
std::string section_name(std::uint32_t kind);

using Uuid = std::array<std::uint8_t, 16>;
std::string to_text(const Uuid& uuid);  ///< "01234567-89ab-..."
Result<Uuid> parse_uuid(std::string_view text);

/// One memory bank, or a group of them. Its place in the list is what buffers name.
struct Memory {
    std::uint8_t type = 2;  ///< as in the file: 2 DRAM, 6 HBM, ...
    bool used = true;
    std::uint64_t base = 0;
    std::uint64_t bytes = 0;  ///< a multiple of 1024
    std::string tag;          ///< up to 15 characters
    friend bool operator==(const Memory&, const Memory&) = default;
};

/// One compute unit or another block, in the order of the file.
struct Unit {
    std::uint32_t type = 1;        ///< 1: a kernel's compute unit
    std::uint32_t properties = 0;  ///< interrupt enabled, its number, kind of control
    std::uint64_t base = 0;        ///< of its registers
    std::string name;              ///< "kernel:unit", up to 63 characters
    friend bool operator==(const Unit&, const Unit&) = default;
};

/// That an argument of a unit reaches a memory.
struct Connection {
    std::uint32_t argument = 0;
    std::uint32_t unit = 0;    ///< of Xclbin::units
    std::uint32_t memory = 0;  ///< of Xclbin::memories
    friend bool operator==(const Connection&, const Connection&) = default;
};

/// Registers of an argument, from `offset` on.
struct KernelArgument {
    std::string name;
    bool pointer = false;
    std::uint32_t offset = 0;
    std::uint32_t bytes = 4;
    std::string type;  ///< "uint", "void*"; nobody relies on it
    friend bool operator==(const KernelArgument&, const KernelArgument&) = default;
};

struct Kernel {
    std::string name;
    std::vector<KernelArgument> arguments;  ///< in the order of their numbers
    friend bool operator==(const Kernel&, const Kernel&) = default;
};

/// Where the bytes of a section lie in the file.
struct Section {
    std::uint32_t kind = 0;
    std::string name;
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
};

struct Xclbin {
    Uuid uuid{};
    std::string platform;         ///< "vendor:board:name:version", up to 63 characters
    std::uint64_t timestamp = 0;  ///< seconds since 1970
    std::vector<Memory> memories;
    std::vector<Unit> units;
    std::vector<Connection> connections;
    std::vector<Kernel> kernels;
    std::vector<Section> sections;  ///< as found; ignored when written

    /// Null if there is none of that name.
    const Kernel* find_kernel(std::string_view name) const;
    /// Names of the units of `kernel`, without "kernel:".
    std::vector<std::string> units_of(std::string_view kernel) const;
};

/// Limits that a file is held to, all above what real cards have.
inline constexpr std::uint32_t kMaxSections = 256;
inline constexpr std::uint32_t kMaxMemories = 1024;
inline constexpr std::uint32_t kMaxIpBlocks = 512;
inline constexpr std::uint32_t kMaxConnections = 65536;
inline constexpr std::uint32_t kMaxKernelArguments = 128;
inline constexpr std::uint32_t kMaxRegisterMap = 4096 - 64;  ///< XRT sends it in one page
inline constexpr std::uint64_t kMaxXclbinBytes = std::uint64_t{1} << 31;

/// Reads and checks all of it. invalid_argument says which part of the file is wrong and how.
Result<Xclbin> parse_xclbin(std::span<const std::byte> file);

/// The bytes of a file, for parse_xclbin. not_found, or invalid_argument above kMaxXclbinBytes.
Result<std::vector<std::byte>> read_file_bytes(const std::string& path);

/// The file. invalid_argument for what parse_xclbin() would refuse.
Result<std::vector<std::byte>> write_xclbin(const Xclbin& design,
                                            std::span<const std::byte> bitstream);

}  // namespace bunch::fpga
