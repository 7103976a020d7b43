#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>

#include "backends/xrt/fixed_point/convert.h"
#include "backends/xrt/manifest.h"
#include "config/document.h"
#include "config/reader.h"

namespace bunch::fpga {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::size_t kLongestName = 63;
constexpr std::size_t kMostTensors = 64;
constexpr std::size_t kMaxFileBytes = 1 << 20;

/// What the file says before its parts are fitted together.
struct Draft {
    Manifest manifest;
    const Node* arguments = nullptr;
    std::vector<const Node*> inputs;  // tables, as manifest.inputs
    std::vector<const Node*> outputs;
};

void read_type(Problems& problems, const Entry& entry, DeviceTensor& to) {
    if (!expect(problems, entry, Node::Kind::text, R"("FP32", "INT16" and so on)")) return;
    const auto type = data_type_named(entry.value.text);
    if (!type) return problems.add(entry, R"(is unknown (write "FP32", "INT16" and so on))");
    to.spec.type = *type;
}

void read_shape(Problems& problems, const Entry& entry, DeviceTensor& to) {
    if (!expect(problems, entry, Node::Kind::list, "a list of extents: [-1, 16]")) return;
    std::vector<std::int64_t> extents;
    for (const Node& item : entry.value.items) {
        const bool rows = extents.empty();
        if (item.kind != Node::Kind::integer || (rows && item.integer != kAnyExtent) ||
            (!rows && (item.integer < 1 || item.integer > (1 << 30))))
            return problems.add(entry.key, item,
                                rows ? "is not the rows (a shape begins with -1)"
                                     : "is no extent (write a number from 1)");
        extents.push_back(item.integer);
    }
    const auto shape = Shape::from(extents);
    if (!shape || shape->rank() == 0)
        return problems.add(
            entry, "has a wrong number of extents (1 to " + std::to_string(kMaxRank) + ")");
    to.spec.shape = *shape;
}

void read_format(Problems& problems, const Entry& entry, DeviceTensor& to) {
    if (!expect(problems, entry, Node::Kind::text, "\"ap_fixed<16,6>\"")) return;
    const auto format = parse_format(entry.value.text);
    if (!format.ok()) return problems.add(entry, format.status().message());
    to.format = *format;
}

void read_align(Problems& problems, const Entry& entry, DeviceTensor& to) {
    read_count(problems, entry, 1, 4096, to.row_align);
    if ((to.row_align & (to.row_align - 1)) == 0) return;
    problems.add(entry, "is no power of two");
    to.row_align = 1;
}

void read_axes(Problems& problems, const Entry& entry, DeviceTensor& to) {
    if (!expect(problems, entry, Node::Kind::list, "a list of axes: [2, 3, 1]")) return;
    for (const Node& item : entry.value.items) {
        if (item.kind != Node::Kind::integer || item.integer < 1 || item.integer >= 8)
            return problems.add(entry.key, item, "is no axis (they are counted from 1)");
        to.axes.push_back(static_cast<std::uint32_t>(item.integer));
    }
}

constexpr std::array kTensorFields = {
    Field<DeviceTensor>{"name",
                        [](Problems& problems, const Entry& entry, DeviceTensor& to) {
                            read_name(problems, entry, kLongestName, to.spec.name);
                        }},
    Field<DeviceTensor>{"type", read_type},
    Field<DeviceTensor>{"shape", read_shape},
    Field<DeviceTensor>{"format", read_format},
    Field<DeviceTensor>{"row_align", read_align},
    Field<DeviceTensor>{"axes", read_axes},
};

void read_hash(Problems& problems, const Entry& entry, std::string& to) {
    if (!expect(problems, entry, Node::Kind::text, "16 hexadecimal digits")) return;
    to = entry.value.text;
    if (to.size() != 16 || to.find_first_not_of("0123456789abcdef") != std::string::npos)
        problems.add(entry,
                     "is no hash (16 hexadecimal digits, as the tool that wrote the file "
                     "gives them)");
}

void read_deviation(Problems& problems, const Entry& entry, Twin& to) {
    const bool number =
        entry.value.kind == Node::Kind::real || entry.value.kind == Node::Kind::integer;
    const std::string& text = entry.value.text;
    const auto end = text.data() + text.size();
    if (!number || std::from_chars(text.data(), end, to.max_deviation).ptr != end ||
        !(to.max_deviation >= 0))
        problems.add(entry, "is no deviation (write a number from 0, as 0.01)");
}

constexpr std::array kTwinFields = {
    Field<Twin>{"path", [](Problems& problems, const Entry& entry,
                           Twin& to) { read_text(problems, entry, to.path); }},
    Field<Twin>{"max_deviation", read_deviation},
    Field<Twin>{"hash", [](Problems& problems, const Entry& entry,
                           Twin& to) { read_hash(problems, entry, to.hash); }},
};

/// The tables of [[input]] or [[output]].
void read_tensors(Problems& problems, const Entry& entry, std::vector<DeviceTensor>& to,
                  std::vector<const Node*>& tables) {
    const std::string wanted = "tables: [[" + entry.key + "]]";
    if (!expect(problems, entry, Node::Kind::list, wanted)) return;
    for (const Node& table : entry.value.items) {
        if (!expect(problems, {entry.key, table}, Node::Kind::table, wanted)) return;
        read_table<DeviceTensor>(problems, table, kTensorFields, to.emplace_back());
        tables.push_back(&table);
    }
}

template <auto member>
void text(Problems& problems, const Entry& entry, Draft& to) {
    read_text(problems, entry, to.manifest.*member);
}
template <auto member>
void span(Problems& problems, const Entry& entry, Draft& to) {
    read_duration(problems, entry, 1us, 1h, to.manifest.*member);
}

constexpr std::array kFields = {
    Field<Draft>{"xclbin", text<&Manifest::xclbin>},
    Field<Draft>{"xclbin_hash",
                 [](Problems& problems, const Entry& entry, Draft& to) {
                     read_hash(problems, entry, to.manifest.xclbin_hash);
                 }},
    Field<Draft>{"kernel",
                 [](Problems& problems, const Entry& entry, Draft& to) {
                     read_name(problems, entry, kLongestName, to.manifest.kernel);
                 }},
    Field<Draft>{"units", [](Problems& problems, const Entry& entry,
                             Draft& to) { read_texts(problems, entry, to.manifest.units); }},
    Field<Draft>{"arguments",
                 [](Problems& problems, const Entry& entry, Draft& to) {
                     if (expect(problems, entry, Node::Kind::list, R"(a list: ["rows", "x", "y"])"))
                         to.arguments = &entry.value;
                 }},
    Field<Draft>{"max_rows",
                 [](Problems& problems, const Entry& entry, Draft& to) {
                     read_count(problems, entry, 1, kMaxRowsPerCall, to.manifest.max_rows);
                 }},
    Field<Draft>{"slots",
                 [](Problems& problems, const Entry& entry, Draft& to) {
                     read_count(problems, entry, 1, kMaxSlots, to.manifest.slots);
                 }},
    Field<Draft>{"time_limit", span<&Manifest::time_limit>},
    Field<Draft>{"load_time", span<&Manifest::load_time>},
    Field<Draft>{"input",
                 [](Problems& problems, const Entry& entry, Draft& to) {
                     read_tensors(problems, entry, to.manifest.inputs, to.inputs);
                 }},
    Field<Draft>{"output",
                 [](Problems& problems, const Entry& entry, Draft& to) {
                     read_tensors(problems, entry, to.manifest.outputs, to.outputs);
                 }},
    Field<Draft>{"twin",
                 [](Problems& problems, const Entry& entry, Draft& to) {
                     if (expect(problems, entry, Node::Kind::table, "a table: [twin]"))
                         read_table<Twin>(problems, entry.value, kTwinFields,
                                          to.manifest.twin.emplace());
                 }},
};

const Entry* find(const Node& table, std::string_view key) {
    for (const Entry& entry : table.entries)
        if (entry.key == key) return &entry;
    return nullptr;
}

std::uint32_t line_of(const Node& table, std::string_view key) {
    const Entry* entry = find(table, key);
    return entry == nullptr ? table.line : entry->line();
}

void require(Problems& problems, const Node& table, std::string_view where, std::string_view key,
             std::string_view example) {
    if (find(table, key) != nullptr) return;
    problems.add(table.line, std::string(where) + " has no " + std::string(key) + " (write " +
                                 std::string(key) + " = " + std::string(example) + ")");
}

bool is_permutation(const std::vector<std::uint32_t>& axes, std::size_t rank) {
    std::set<std::uint32_t> seen(axes.begin(), axes.end());
    return axes.size() + 1 == rank && seen.size() == axes.size() && *seen.rbegin() < rank;
}

void check_tensor(Problems& problems, const Node& table, const DeviceTensor& tensor) {
    constexpr const char* kTensor = "a tensor";
    require(problems, table, kTensor, "name", "\"x\"");
    require(problems, table, kTensor, "type", "\"FP32\"");
    require(problems, table, kTensor, "shape", "[-1, 16]");
    if (tensor.spec.shape.rank() == 0) return;
    const auto elements = tensor.spec.shape.elements_per_row();
    if (!elements || *elements > kMaxRowBytes / 8)
        return problems.add(line_of(table, "shape"), "a row of this tensor is above 1 GiB");
    if (!tensor.axes.empty() && !is_permutation(tensor.axes, tensor.spec.shape.rank()))
        problems.add(line_of(table, "axes"), "axes must name each axis of a row once, 1 to " +
                                                 std::to_string(tensor.spec.shape.rank() - 1));
    if (!tensor.format) return;
    const auto converter = fixed_point::Converter::make(tensor.spec.type, *tensor.format);
    if (!converter.ok())
        problems.add(line_of(table, "type"), converter.status().message() +
                                                 " (a tensor with a format is FP32 or an integer)");
}

/// Fits the parts of a manifest together.
class Fitter {
  public:
    Fitter(Problems& problems, const Node& document, Draft& draft)
        : problems_(problems), document_(document), draft_(draft), manifest_(draft.manifest) {}

    void fit() {
        require(problems_, document_, "the manifest", "xclbin", "\"model.xclbin\"");
        require(problems_, document_, "the manifest", "kernel", "\"my_kernel\"");
        require(problems_, document_, "the manifest", "arguments", R"(["rows", "x", "y"])");
        check_tensors("input", manifest_.inputs, draft_.inputs);
        check_tensors("output", manifest_.outputs, draft_.outputs);
        if (manifest_.units.size() > kMaxUnits)
            problems_.add(line_of(document_, "units"), "there are more than 64 units");
        if (draft_.arguments != nullptr) fit_arguments();
        const Entry* twin = find(document_, "twin");
        if (twin == nullptr || twin->value.kind != Node::Kind::table) return;
        require(problems_, twin->value, "[twin]", "path", "\"model.onnx\"");
        require(problems_, twin->value, "[twin]", "max_deviation", "0.01");
    }

  private:
    void check_tensors(const std::string& key, const std::vector<DeviceTensor>& tensors,
                       const std::vector<const Node*>& tables) {
        if (tensors.empty() || tensors.size() > kMostTensors)
            problems_.add(line_of(document_, key), "there are " + std::to_string(tensors.size()) +
                                                       " [[" + key + "]] (1 to 64 are right)");
        for (std::size_t i = 0; i < tensors.size(); ++i) {
            check_tensor(problems_, *tables[i], tensors[i]);
            const std::string& name = tensors[i].spec.name;
            if (name == "rows" || (!name.empty() && !names_.insert(name).second))
                problems_.add(line_of(*tables[i], "name"),
                              name == "rows" ? "a tensor cannot be called rows: that is the number "
                                               "of rows among the arguments"
                                             : "two tensors are called " + shown_text(name));
        }
    }

    void fit_arguments() {
        for (const Node& item : draft_.arguments->items) fit_argument(item);
        if (manifest_.arguments.size() > kMaxArguments)
            problems_.add(draft_.arguments->line, "there are more than 64 arguments");
        for (const std::string& name : names_)
            if (used_.count(name) == 0)
                problems_.add(draft_.arguments->line,
                              "the arguments leave out the tensor " + shown_text(name));
    }

    void fit_argument(const Node& item) {
        if (item.kind == Node::Kind::integer && item.integer >= 0)
            return add({Argument::Kind::value, 0, static_cast<std::uint64_t>(item.integer)});
        if (item.kind != Node::Kind::text)
            return problems_.add("arguments", item,
                                 "is no argument (write \"rows\", the name of a tensor, or a "
                                 "number from 0 that is always passed)");
        if (!used_.insert(item.text).second)
            return problems_.add("arguments", item, "is there twice");
        if (item.text == "rows") return add({Argument::Kind::rows, 0, 0});
        if (const auto input = index_in(manifest_.inputs, item.text))
            return add({Argument::Kind::input, *input, 0});
        if (const auto output = index_in(manifest_.outputs, item.text))
            return add({Argument::Kind::output, *output, 0});
        problems_.add("arguments", item, "is neither \"rows\" nor an [[input]] or [[output]]");
    }

    void add(const Argument& argument) { manifest_.arguments.push_back(argument); }

    static std::optional<std::uint32_t> index_in(const std::vector<DeviceTensor>& tensors,
                                                 const std::string& name) {
        for (std::uint32_t i = 0; i < tensors.size(); ++i)
            if (tensors[i].spec.name == name) return i;
        return std::nullopt;
    }

    Problems& problems_;
    const Node& document_;
    Draft& draft_;
    Manifest& manifest_;
    std::set<std::string> names_;
    std::set<std::string> used_;
};

void check_file(Problems& problems, std::uint32_t line, const std::string& path) {
    std::error_code error;
    if (!path.empty() && !fs::is_regular_file(path, error))
        problems.add(line, path + " is not there, or no file");
}

Result<Manifest> read(std::string_view text, const std::string& name, const fs::path& folder,
                      bool look_at_files) {
    BUNCH_ASSIGN_OR_RETURN(const Node document, parse_document(text, name));
    Problems problems(name);
    Draft draft;
    read_table<Draft>(problems, document, kFields, draft);
    Fitter(problems, document, draft).fit();
    Manifest& manifest = draft.manifest;
    manifest.path = name;
    if (!manifest.xclbin.empty())
        manifest.xclbin = (folder / manifest.xclbin).lexically_normal().string();
    if (manifest.twin && !manifest.twin->path.empty())
        manifest.twin->path = (folder / manifest.twin->path).lexically_normal().string();
    if (look_at_files) {
        check_file(problems, line_of(document, "xclbin"), manifest.xclbin);
        if (manifest.twin) check_file(problems, line_of(document, "twin"), manifest.twin->path);
    }
    if (problems.empty()) return std::move(manifest);
    std::string all;
    for (const std::string& line : problems.lines()) all += (all.empty() ? "" : "\n") + line;
    return invalid_argument(all);
}

}  // namespace

Result<Manifest> parse_manifest(std::string_view text, const std::string& name,
                                const std::string& folder) {
    return read(text, name, folder, false);
}

Result<Manifest> read_manifest(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::string text(kMaxFileBytes + 1, '\0');
    if (!file.read(text.data(), static_cast<std::streamsize>(text.size())) && file.gcount() == 0)
        return not_found(path + ": cannot be read (it should be the manifest of an FPGA model)");
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > kMaxFileBytes)
        return invalid_argument(path + ": is larger than 1 MiB (this cannot be a manifest)");
    return read(text, path, fs::absolute(path).parent_path(), true);
}

}  // namespace bunch::fpga
