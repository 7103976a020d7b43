#include "cli/xclbin_description.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>

#include "config/document.h"
#include "config/reader.h"

namespace bunch {
namespace {

namespace fs = std::filesystem;
using fpga::KernelArgument;

constexpr std::size_t kLongestName = 63;
constexpr std::uint64_t kFirstUnit = 0x1800000;
constexpr std::uint64_t kUnitSpace = 0x10000;
constexpr std::uint64_t kFirstRegister = 0x10;

struct ArgumentDraft {
    std::string name;
    std::string memory;  ///< not empty: a pointer
    std::uint32_t bytes = 4;
};

struct KernelDraft {
    std::string name;
    std::vector<std::string> units;
    std::vector<ArgumentDraft> arguments;
    std::string model;
    std::string parameters;
};

struct Draft {
    std::string platform = "bunch:emulated:card:1.0";
    std::string uuid;
    std::string bitstream;
    std::vector<fpga::Memory> memories;
    std::vector<KernelDraft> kernels;
    std::vector<const Node*> kernel_tables;
};

template <typename T>
void read_tables(Problems& problems, const Entry& entry, std::span<const Field<T>> fields,
                 std::vector<T>& to, std::vector<const Node*>* tables = nullptr) {
    if (!expect(problems, entry, Node::Kind::list, "tables: [[" + entry.key + "]]")) return;
    for (const Node& item : entry.value.items) {
        if (!expect(problems, {entry.key, item}, Node::Kind::table, "a table")) return;
        read_table(problems, item, fields, to.emplace_back());
        if (tables != nullptr) tables->push_back(&item);
    }
}

template <auto member, typename Owner>
void name(Problems& problems, const Entry& entry, Owner& to) {
    read_name(problems, entry, kLongestName, to.*member);
}

template <auto member, typename Owner>
void text(Problems& problems, const Entry& entry, Owner& to) {
    read_text(problems, entry, to.*member);
}

void memory_tag(Problems& problems, const Entry& entry, fpga::Memory& to) {
    read_text(problems, entry, to.tag);
}

void memory_type(Problems& problems, const Entry& entry, fpga::Memory& to) {
    constexpr std::pair<std::string_view, std::uint8_t> kTypes[] = {{"DRAM", 2}, {"HBM", 6}};
    for (const auto& [word, type] : kTypes) {
        if (entry.value.kind != Node::Kind::text || entry.value.text != word) continue;
        to.type = type;
        return;
    }
    problems.add(entry, R"(is no type of memory (write "DRAM" or "HBM"))");
}

void memory_base(Problems& problems, const Entry& entry, fpga::Memory& to) {
    if (!expect(problems, entry, Node::Kind::integer, "an address: 0x4000000000")) return;
    if (entry.value.integer < 0) return problems.add(entry, "is no address");
    to.base = static_cast<std::uint64_t>(entry.value.integer);
}

void memory_size(Problems& problems, const Entry& entry, fpga::Memory& to) {
    read_size(problems, entry, 1024, std::uint64_t{1} << 50, to.bytes);
}

constexpr std::array kMemoryFields = {
    Field<fpga::Memory>{"tag", memory_tag},
    Field<fpga::Memory>{"type", memory_type},
    Field<fpga::Memory>{"base", memory_base},
    Field<fpga::Memory>{"size", memory_size},
};

constexpr std::array kArgumentFields = {
    Field<ArgumentDraft>{"name", name<&ArgumentDraft::name, ArgumentDraft>},
    Field<ArgumentDraft>{"memory", text<&ArgumentDraft::memory, ArgumentDraft>},
    Field<ArgumentDraft>{"bytes",
                         [](Problems& problems, const Entry& entry, ArgumentDraft& to) {
                             read_count(problems, entry, 1, 8, to.bytes);
                         }},
};

constexpr std::array kKernelFields = {
    Field<KernelDraft>{"name", name<&KernelDraft::name, KernelDraft>},
    Field<KernelDraft>{"units", [](Problems& problems, const Entry& entry,
                                   KernelDraft& to) { read_texts(problems, entry, to.units); }},
    Field<KernelDraft>{"arguments",
                       [](Problems& problems, const Entry& entry, KernelDraft& to) {
                           read_tables<ArgumentDraft>(problems, entry, kArgumentFields,
                                                      to.arguments);
                       }},
    Field<KernelDraft>{"model", name<&KernelDraft::model, KernelDraft>},
    Field<KernelDraft>{"parameters", text<&KernelDraft::parameters, KernelDraft>},
};

constexpr std::array kFields = {
    Field<Draft>{"platform", text<&Draft::platform, Draft>},
    Field<Draft>{"uuid", text<&Draft::uuid, Draft>},
    Field<Draft>{"bitstream", text<&Draft::bitstream, Draft>},
    Field<Draft>{"memory",
                 [](Problems& problems, const Entry& entry, Draft& to) {
                     read_tables<fpga::Memory>(problems, entry, kMemoryFields, to.memories);
                 }},
    Field<Draft>{"kernel",
                 [](Problems& problems, const Entry& entry, Draft& to) {
                     read_tables<KernelDraft>(problems, entry, kKernelFields, to.kernels,
                                              &to.kernel_tables);
                 }},
};

/// Puts the parts of a draft together.
class Assembler {
  public:
    Assembler(Problems& problems, const Draft& draft, const fs::path& folder)
        : problems_(problems), draft_(draft), folder_(folder) {}

    XclbinDescription assemble() {
        fpga::Xclbin& design = description_.design;
        design.platform = draft_.platform;
        design.memories = draft_.memories;
        if (!draft_.uuid.empty()) {
            const auto uuid = fpga::parse_uuid(draft_.uuid);
            if (!uuid.ok()) problems_.add(0, "uuid " + uuid.status().message());
            if (uuid.ok()) design.uuid = *uuid;
        }
        if (draft_.kernels.empty())
            problems_.add(0, "there is no [[kernel]] (add one with name, units and arguments)");
        for (std::size_t i = 0; i < draft_.kernels.size(); ++i)
            add(draft_.kernels[i], draft_.kernel_tables[i]->line);
        if (draft_.bitstream.empty() == description_.models.empty())
            problems_.add(0,
                          "there has to be a bitstream, or a model of each [[kernel]] for an "
                          "emulated card, and not both");
        if (!draft_.bitstream.empty()) description_.bitstream = absolute(draft_.bitstream);
        return std::move(description_);
    }

  private:
    std::string absolute(const std::string& path) const {
        return (folder_ / path).lexically_normal().string();
    }

    void add(const KernelDraft& draft, std::uint32_t line) {
        if (draft.name.empty() || draft.units.empty() || draft.arguments.empty())
            problems_.add(line, "a [[kernel]] needs name, units and arguments");
        fpga::Xclbin& design = description_.design;
        fpga::Kernel& kernel = design.kernels.emplace_back();
        kernel.name = draft.name;
        std::uint64_t offset = kFirstRegister;
        for (const ArgumentDraft& argument : draft.arguments) {
            const bool pointer = !argument.memory.empty();
            const std::uint32_t bytes = pointer ? 8 : argument.bytes;
            kernel.arguments.push_back({argument.name, pointer, static_cast<std::uint32_t>(offset),
                                        bytes, pointer ? "void*" : "uint"});
            // As Vitis lays them out: a gap of one word after each.
            offset += (bytes + 3) / 4 * 4 + 4;
        }
        for (const std::string& unit : draft.units) {
            const auto index = static_cast<std::uint32_t>(design.units.size());
            design.units.push_back(
                {1, 0, kFirstUnit + kUnitSpace * index, draft.name + ":" + unit});
            connect(draft, index, line);
        }
        if (!draft.model.empty())
            description_.models.push_back(
                {draft.name, draft.model,
                 draft.parameters.empty() ? std::string() : absolute(draft.parameters)});
    }

    void connect(const KernelDraft& draft, std::uint32_t unit, std::uint32_t line) {
        const auto& memories = draft_.memories;
        for (std::uint32_t i = 0; i < draft.arguments.size(); ++i) {
            const std::string& tag = draft.arguments[i].memory;
            if (tag.empty()) continue;
            const auto found =
                std::find_if(memories.begin(), memories.end(),
                             [&tag](const fpga::Memory& memory) { return memory.tag == tag; });
            if (found == memories.end()) {
                problems_.add(line, "argument " + shown_text(draft.arguments[i].name) +
                                        " is in the memory " + shown_text(tag) +
                                        ", which no [[memory]] has as its tag");
                continue;
            }
            description_.design.connections.push_back(
                {i, unit, static_cast<std::uint32_t>(found - memories.begin())});
        }
    }

    Problems& problems_;
    const Draft& draft_;
    const fs::path& folder_;
    XclbinDescription description_;
};

/// Some 128 bits that differ where the contents do: FNV-1a, forwards and backwards.
fpga::Uuid uuid_of(std::span<const std::byte> bytes) {
    std::uint64_t hashes[2] = {0xcbf29ce484222325, 0x84222325cbf29ce4};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        hashes[0] = (hashes[0] ^ static_cast<std::uint8_t>(bytes[i])) * 0x100000001b3;
        hashes[1] =
            (hashes[1] ^ static_cast<std::uint8_t>(bytes[bytes.size() - 1 - i])) * 0x100000001b3;
    }
    fpga::Uuid uuid{};
    for (std::size_t i = 0; i < uuid.size(); ++i)
        uuid[i] = static_cast<std::uint8_t>(hashes[i / 8] >> (8 * (i % 8)));
    // Version 8, "made by the one who writes it".
    uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0f) | 0x80);
    uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3f) | 0x80);
    return uuid;
}

Result<std::vector<std::byte>> bitstream_of(const XclbinDescription& description) {
    if (!description.bitstream.empty()) return fpga::read_file_bytes(description.bitstream);
    std::vector<emulation::KernelImage> images;
    for (const auto& model : description.models) {
        emulation::KernelImage image{model.kernel, model.model, {}};
        if (!model.parameters.empty()) {
            BUNCH_ASSIGN_OR_RETURN(image.parameters, fpga::read_file_bytes(model.parameters));
        }
        images.push_back(std::move(image));
    }
    return emulation::write_bitstream(images);
}

}  // namespace

Result<XclbinDescription> parse_xclbin_description(std::string_view text, const std::string& name,
                                                   const std::string& folder) {
    BUNCH_ASSIGN_OR_RETURN(const Node document, parse_document(text, name));
    Problems problems(name);
    Draft draft;
    read_table<Draft>(problems, document, kFields, draft);
    XclbinDescription description = Assembler(problems, draft, folder).assemble();
    if (problems.empty()) return description;
    std::string all;
    for (const std::string& line : problems.lines()) all += (all.empty() ? "" : "\n") + line;
    return invalid_argument(all);
}

Result<std::vector<std::byte>> make_xclbin(const std::string& description_path) {
    BUNCH_ASSIGN_OR_RETURN(const auto bytes, fpga::read_file_bytes(description_path));
    const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    BUNCH_ASSIGN_OR_RETURN(
        XclbinDescription description,
        parse_xclbin_description(text, description_path,
                                 fs::absolute(description_path).parent_path().string()));
    BUNCH_ASSIGN_OR_RETURN(const auto bitstream, bitstream_of(description));
    if (description.design.uuid == fpga::Uuid{}) {
        // Any will do to see the file that the UUID is made of.
        description.design.uuid = {1};
        BUNCH_ASSIGN_OR_RETURN(const auto file, fpga::write_xclbin(description.design, bitstream));
        description.design.uuid = uuid_of(file);
    }
    return fpga::write_xclbin(description.design, bitstream);
}

}  // namespace bunch
