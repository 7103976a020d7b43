#include <algorithm>
#include <string>
#include <utility>

#include "backends/xrt/xclbin.h"
#include "backends/xrt/xclbin_format.h"

namespace bunch::fpga {
namespace {

using namespace format;
using Bytes = std::vector<std::byte>;

Bytes memory_table(const Xclbin& design) {
    Bytes table(kWideTable + design.memories.size() * kMemoryBytes);
    store(table, 0, static_cast<std::int32_t>(design.memories.size()));
    std::size_t at = kWideTable;
    for (const Memory& memory : design.memories) {
        store(table, at, memory.type);
        store(table, at + 1, static_cast<std::uint8_t>(memory.used));
        store(table, at + 8, memory.bytes / 1024);
        store(table, at + 16, memory.base);
        store_text(table, at + 24, kMemoryTagBytes, memory.tag);
        at += kMemoryBytes;
    }
    return table;
}

Bytes unit_table(const Xclbin& design) {
    Bytes table(kWideTable + design.units.size() * kUnitBytes);
    store(table, 0, static_cast<std::int32_t>(design.units.size()));
    std::size_t at = kWideTable;
    for (const Unit& unit : design.units) {
        store(table, at, unit.type);
        store(table, at + 4, unit.properties);
        store(table, at + 8, unit.base);
        store_text(table, at + 16, kUnitNameBytes, unit.name);
        at += kUnitBytes;
    }
    return table;
}

Bytes connection_table(const Xclbin& design) {
    Bytes table(kConnectionTable + design.connections.size() * kConnectionBytes);
    store(table, 0, static_cast<std::int32_t>(design.connections.size()));
    std::size_t at = kConnectionTable;
    for (const Connection& connection : design.connections) {
        store(table, at, connection.argument);
        store(table, at + 4, connection.unit);
        store(table, at + 8, connection.memory);
        at += kConnectionBytes;
    }
    return table;
}

Bytes as_bytes(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

Bytes header(const Xclbin& design, std::size_t sections) {
    Bytes file(kSectionHeaders + sections * kSectionHeaderBytes);
    std::memcpy(file.data(), kMagic.data(), kMagic.size());
    // No signature; its place is filled with ones.
    std::fill(file.begin() + 8, file.begin() + kUniqueId, std::byte{0xff});
    store(file, kTimestamp, design.timestamp);
    store(file, kMajor, std::uint8_t{2});
    store_text(file, kPlatform, kPlatformBytes, design.platform);
    std::memcpy(file.data() + kUuid, design.uuid.data(), design.uuid.size());
    store(file, kSectionCount, static_cast<std::uint32_t>(sections));
    return file;
}

}  // namespace

Result<std::vector<std::byte>> write_xclbin(const Xclbin& design,
                                            std::span<const std::byte> bitstream) {
    BUNCH_RETURN_IF_ERROR(check_design(design));
    if (design.uuid == Uuid{}) return invalid_argument("the UUID of an xclbin may not be zero");
    const std::pair<std::uint32_t, Bytes> sections[] = {
        {section_kind::kBitstream, Bytes(bitstream.begin(), bitstream.end())},
        {section_kind::kMetadata, as_bytes(write_metadata(design))},
        {section_kind::kMemories, memory_table(design)},
        {section_kind::kUnits, unit_table(design)},
        {section_kind::kConnectivity, connection_table(design)}};
    Bytes file = header(design, std::size(sections));
    std::size_t at = kSectionHeaders;
    for (const auto& [kind, bytes] : sections) {
        file.resize((file.size() + 7) / 8 * 8);
        store(file, at, kind);
        store(file, at + 24, static_cast<std::uint64_t>(file.size()));
        store(file, at + 32, static_cast<std::uint64_t>(bytes.size()));
        file.insert(file.end(), bytes.begin(), bytes.end());
        at += kSectionHeaderBytes;
    }
    store(file, kLength, static_cast<std::uint64_t>(file.size()));
    return file;
}

}  // namespace bunch::fpga
