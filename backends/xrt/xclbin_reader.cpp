#include <string>

#include "backends/xrt/xclbin.h"
#include "backends/xrt/xclbin_format.h"

namespace bunch::fpga {
namespace {

using namespace format;
using Bytes = std::span<const std::byte>;

/// `what` may quote the file: one line of printable ASCII is made of it.
Status damaged(const std::string& what) {
    std::string line = "damaged xclbin: " + what.substr(0, 300);
    for (char& c : line)
        if (c < ' ' || c > '~') c = '?';
    return invalid_argument(line);
}

Result<std::vector<Section>> read_sections(Bytes file) {
    const auto count = load<std::uint32_t>(file, kSectionCount);
    if (count > kMaxSections)
        return damaged("it claims " + std::to_string(count) + " sections (at most " +
                       std::to_string(kMaxSections) + ")");
    const std::size_t data = kSectionHeaders + count * kSectionHeaderBytes;
    if (data > file.size()) return damaged("it ends within the list of its sections");
    std::vector<Section> sections;
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::size_t at = kSectionHeaders + i * kSectionHeaderBytes;
        Section section;
        section.kind = load<std::uint32_t>(file, at);
        section.name = load_text(file, at + 4, kSectionNameBytes).value_or("");
        section.offset = load<std::uint64_t>(file, at + 24);
        section.bytes = load<std::uint64_t>(file, at + 32);
        const std::string which = "section " + section_name(section.kind);
        if (section.bytes > file.size() || section.offset > file.size() - section.bytes)
            return damaged(which + " lies beyond the end of the file");
        if (section.bytes > 0 && section.offset < data)
            return damaged(which + " lies in the header");
        if (section.offset % 8 != 0) return damaged(which + " is not aligned to 8 bytes");
        sections.push_back(std::move(section));
    }
    return sections;
}

/// How a table of that kind is laid out; entry 0: not a table.
struct TableLayout {
    std::size_t count_bytes = 4;
    std::size_t first = 0;
    std::size_t entry = 0;
};

TableLayout table_layout(std::uint32_t kind) {
    switch (kind) {
        case section_kind::kMemories:
        case 26:  // groups of memories
            return {4, kWideTable, kMemoryBytes};
        case section_kind::kConnectivity:
        case 27:  // connections to groups
            return {4, kConnectionTable, kConnectionBytes};
        case section_kind::kUnits:
            return {4, kWideTable, kUnitBytes};
        case 9:  // debug units
            return {2, 8, 144};
        case 11:  // clocks
            return {2, 2, 136};
        default:
            return {};
    }
}

/// Entries of a table, after checking that they all lie in it.
Result<std::uint32_t> count_entries(std::uint32_t kind, Bytes table) {
    const TableLayout layout = table_layout(kind);
    const std::string which = "table " + section_name(kind);
    if (table.size() < layout.first) return damaged(which + " is too short for its head");
    const std::int64_t count =
        layout.count_bytes == 4 ? load<std::int32_t>(table, 0) : load<std::int16_t>(table, 0);
    if (count < 0 ||
        static_cast<std::uint64_t>(count) > (table.size() - layout.first) / layout.entry)
        return damaged(which + " claims " + std::to_string(count) +
                       " entries, more than it has room for");
    return static_cast<std::uint32_t>(count);
}

Result<std::vector<Memory>> read_memories(Bytes table, std::uint32_t count) {
    std::vector<Memory> memories;
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::size_t at = kWideTable + i * kMemoryBytes;
        const auto kib = load<std::uint64_t>(table, at + 8);
        const auto tag = load_text(table, at + 24, kMemoryTagBytes);
        if (kib > UINT64_MAX / 1024)
            return damaged("memory " + std::to_string(i) + " is too large");
        if (!tag) return damaged("the tag of memory " + std::to_string(i) + " is no text");
        memories.push_back({load<std::uint8_t>(table, at), load<std::uint8_t>(table, at + 1) != 0,
                            load<std::uint64_t>(table, at + 16), kib * 1024, *tag});
    }
    return memories;
}

Result<std::vector<Unit>> read_units(Bytes table, std::uint32_t count) {
    std::vector<Unit> units;
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::size_t at = kWideTable + i * kUnitBytes;
        const auto name = load_text(table, at + 16, kUnitNameBytes);
        if (!name) return damaged("the name of unit " + std::to_string(i) + " is no text");
        units.push_back({load<std::uint32_t>(table, at), load<std::uint32_t>(table, at + 4),
                         load<std::uint64_t>(table, at + 8), *name});
    }
    return units;
}

std::vector<Connection> read_connections(Bytes table, std::uint32_t count) {
    std::vector<Connection> connections;
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::size_t at = kConnectionTable + i * kConnectionBytes;
        connections.push_back({load<std::uint32_t>(table, at), load<std::uint32_t>(table, at + 4),
                               load<std::uint32_t>(table, at + 8)});
    }
    return connections;
}

/// Groups of memories take the place of the memories, as they do in XRT.
Status check_groups(const Xclbin& design, Bytes memories, std::uint32_t memory_count,
                    Bytes connections, std::uint32_t connection_count) {
    Xclbin grouped = design;
    if (!memories.empty()) {
        BUNCH_ASSIGN_OR_RETURN(grouped.memories, read_memories(memories, memory_count));
    }
    if (!connections.empty()) grouped.connections = read_connections(connections, connection_count);
    return check_design(grouped);
}

/// Software that comes with a design: texts and an image at offsets within the section.
Status check_soft_kernel(Bytes section) {
    if (section.size() < 80) return damaged("section SOFT_KERNEL is too short");
    const auto image = load<std::uint32_t>(section, 4);
    if (image > section.size() || load<std::uint32_t>(section, 8) > section.size() - image)
        return damaged("the image in section SOFT_KERNEL lies beyond its end");
    for (const std::size_t field : {0u, 12u, 16u, 20u}) {
        const auto begin = load<std::uint32_t>(section, field);
        if (begin >= section.size()) return damaged("a text of section SOFT_KERNEL lies beyond it");
        const Bytes rest = section.subspan(begin);
        if (std::find(rest.begin(), rest.end(), std::byte{0}) == rest.end())
            return damaged("a text of section SOFT_KERNEL has no end");
    }
    return ok_status();
}

class Reader {
  public:
    explicit Reader(Bytes file) : file_(file) {}

    Result<Xclbin> read() {
        BUNCH_RETURN_IF_ERROR(read_header());
        BUNCH_ASSIGN_OR_RETURN(design_.sections, read_sections(file_));
        for (const Section& section : design_.sections) BUNCH_RETURN_IF_ERROR(check(section));
        BUNCH_RETURN_IF_ERROR(read_tables());
        return std::move(design_);
    }

  private:
    Status read_header() {
        if (file_.size() < kSectionHeaders)
            return invalid_argument("this is no xclbin: " + std::to_string(file_.size()) +
                                    " bytes are fewer than its header has");
        if (std::memcmp(file_.data(), kMagic.data(), kMagic.size()) != 0)
            return invalid_argument("this is no xclbin: it does not begin with \"xclbin2\"");
        const auto length = load<std::uint64_t>(file_, kLength);
        if (length < kSectionHeaders || length > file_.size())
            return damaged("it should have " + std::to_string(length) + " bytes and has " +
                           std::to_string(file_.size()));
        file_ = file_.first(static_cast<std::size_t>(length));
        const auto platform = load_text(file_, kPlatform, kPlatformBytes);
        if (!platform) return damaged("the name of its platform is no text");
        design_.platform = *platform;
        design_.timestamp = load<std::uint64_t>(file_, kTimestamp);
        std::memcpy(design_.uuid.data(), file_.data() + kUuid, design_.uuid.size());
        if (design_.uuid == Uuid{}) return damaged("its UUID is zero");
        return ok_status();
    }

    Bytes bytes_of(const Section& section) const {
        return file_.subspan(static_cast<std::size_t>(section.offset),
                             static_cast<std::size_t>(section.bytes));
    }

    Status check(const Section& section) const {
        if (table_layout(section.kind).entry != 0) {
            const auto same = std::count_if(
                design_.sections.begin(), design_.sections.end(),
                [&section](const Section& other) { return other.kind == section.kind; });
            if (same > 1) return damaged("it has two tables " + section_name(section.kind));
            return count_entries(section.kind, bytes_of(section)).status();
        }
        if (section.kind == 23) return check_soft_kernel(bytes_of(section));
        return ok_status();
    }

    /// The table of that kind with its checked count; empty if there is none.
    std::pair<Bytes, std::uint32_t> table(std::uint32_t kind) const {
        for (const Section& section : design_.sections) {
            if (section.kind != kind) continue;
            const Bytes bytes = bytes_of(section);
            return {bytes, *count_entries(kind, bytes)};
        }
        return {};
    }

    Status read_tables() {
        const auto metadata = std::find_if(
            design_.sections.begin(), design_.sections.end(),
            [](const Section& section) { return section.kind == section_kind::kMetadata; });
        if (metadata == design_.sections.end()) return damaged("it has no EMBEDDED_METADATA");
        const auto kernels = parse_metadata(bytes_of(*metadata));
        if (!kernels.ok()) return damaged("EMBEDDED_METADATA: " + kernels.status().message());
        design_.kernels = *kernels;
        const auto [memories, memory_count] = table(section_kind::kMemories);
        const auto [units, unit_count] = table(section_kind::kUnits);
        const auto [connections, connection_count] = table(section_kind::kConnectivity);
        BUNCH_ASSIGN_OR_RETURN(design_.memories, read_memories(memories, memory_count));
        BUNCH_ASSIGN_OR_RETURN(design_.units, read_units(units, unit_count));
        design_.connections = read_connections(connections, connection_count);
        BUNCH_RETURN_IF_ERROR(as_damage(check_design(design_)));
        const auto [groups, group_count] = table(26);
        const auto [joints, joint_count] = table(27);
        return as_damage(check_groups(design_, groups, group_count, joints, joint_count));
    }

    static Status as_damage(const Status& status) {
        return status.ok() ? status : damaged(status.message());
    }

    Bytes file_;
    Xclbin design_;
};

}  // namespace

Result<Xclbin> parse_xclbin(std::span<const std::byte> file) {
    return Reader(file).read();
}

}  // namespace bunch::fpga
