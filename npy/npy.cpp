#include "npy/npy.h"

#include <array>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <vector>

namespace bunch {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kAlignment = 64;

struct TypeName {
    std::string_view name;
    DataType type;
};

// The first entry of a type is the one that is written.
constexpr std::array<TypeName, 17> kTypes = {{{"|b1", DataType::boolean},
                                              {"|u1", DataType::u8},
                                              {"<u2", DataType::u16},
                                              {"<u4", DataType::u32},
                                              {"<u8", DataType::u64},
                                              {"|i1", DataType::i8},
                                              {"<i2", DataType::i16},
                                              {"<i4", DataType::i32},
                                              {"<i8", DataType::i64},
                                              {"<f2", DataType::f16},
                                              {"<f4", DataType::f32},
                                              {"<f8", DataType::f64},
                                              {"<b1", DataType::boolean},
                                              {"<u1", DataType::u8},
                                              {"<i1", DataType::i8},
                                              {"?", DataType::boolean},
                                              {"<u2", DataType::bf16}}};

/// The value of `key` in the header's Python dict, up to (not including) one of `ends`.
std::optional<std::string_view> value_of(std::string_view dict, std::string_view key,
                                         std::string_view ends) {
    const std::size_t at = dict.find("'" + std::string(key) + "'");
    if (at == std::string_view::npos) return std::nullopt;
    const std::size_t colon = dict.find(':', at);
    if (colon == std::string_view::npos) return std::nullopt;
    const std::size_t begin = dict.find_first_not_of(' ', colon + 1);
    if (begin == std::string_view::npos) return std::nullopt;
    const std::size_t end = dict.find_first_of(ends, begin + 1);
    if (end == std::string_view::npos) return std::nullopt;
    return dict.substr(begin, end - begin);
}

Result<DataType> type_of(std::string_view dict) {
    const auto text = value_of(dict, "descr", ",}");
    if (!text || text->size() < 3 || text->front() != '\'' || text->back() != '\'')
        return invalid_argument("its header names no simple element type");
    const std::string_view name = text->substr(1, text->size() - 2);
    for (const TypeName& entry : kTypes)
        if (entry.name == name) return entry.type;
    return invalid_argument("its elements are '" + std::string(name) +
                            "': use little-endian integers, floats or bool");
}

Result<Shape> shape_of(std::string_view dict) {
    auto text = value_of(dict, "shape", ")");
    if (!text || text->front() != '(') return invalid_argument("its header has no shape");
    std::string_view rest = text->substr(1);
    std::vector<std::int64_t> extents;
    while (true) {
        const std::size_t begin = rest.find_first_not_of(" ,");
        if (begin == std::string_view::npos) break;
        rest.remove_prefix(begin);
        std::int64_t extent = 0;
        const auto [stop, error] = std::from_chars(rest.data(), rest.data() + rest.size(), extent);
        if (error != std::errc() || extent < 0)
            return invalid_argument("its header has no valid shape");
        extents.push_back(extent);
        rest.remove_prefix(static_cast<std::size_t>(stop - rest.data()));
        if (!rest.empty() && rest.front() != ',' && rest.front() != ' ')
            return invalid_argument("its header has no valid shape");
    }
    const auto shape = Shape::from(extents);
    if (!shape) {
        return invalid_argument("it has " + std::to_string(extents.size()) +
                                " dimensions, the limit is " + std::to_string(kMaxRank));
    }
    return *shape;
}

/// The header's dict, and where the elements begin.
Result<std::string_view> dict_of(std::string_view file, std::size_t& data_at) {
    if (file.size() < 10 || file.substr(0, kMagic.size()) != kMagic)
        return invalid_argument("it is no .npy file");
    const auto byte = [&](std::size_t i) {
        return static_cast<std::size_t>(static_cast<unsigned char>(file[i]));
    };
    const std::size_t version = byte(6);
    if (version < 1 || version > 3)
        return invalid_argument("its format is version " + std::to_string(version) +
                                ", use one of 1 to 3");
    const std::size_t begin = version == 1 ? 10 : 12;
    if (file.size() < begin) return invalid_argument("it ends in its header");
    std::size_t length = byte(8) | byte(9) << 8;
    if (version > 1) length |= byte(10) << 16 | byte(11) << 24;
    if (length > file.size() - begin) return invalid_argument("it ends in its header");
    data_at = begin + length;
    return file.substr(begin, length);
}

std::string dict_for(const ConstTensorView& tensor) {
    std::string_view type;
    for (std::size_t i = kTypes.size(); i-- > 0;)
        if (kTypes[i].type == tensor.type) type = kTypes[i].name;
    std::string dict = "{'descr': '" + std::string(type) + "', 'fortran_order': False, 'shape': (";
    for (const std::int64_t extent : tensor.shape.extents()) dict += std::to_string(extent) + ",";
    return dict + "), }";
}

}  // namespace

Result<Tensor> parse_npy(std::span<const std::byte> bytes) {
    const std::string_view file(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    std::size_t data_at = 0;
    BUNCH_ASSIGN_OR_RETURN(const std::string_view dict, dict_of(file, data_at));
    Tensor tensor;
    BUNCH_ASSIGN_OR_RETURN(tensor.type, type_of(dict));
    BUNCH_ASSIGN_OR_RETURN(tensor.shape, shape_of(dict));
    if (value_of(dict, "fortran_order", ",}") != "False")
        return invalid_argument("it is in Fortran order: use numpy.ascontiguousarray");
    const auto size = byte_size(tensor.type, tensor.shape);
    if (!size || *size != file.size() - data_at) {
        return invalid_argument("it has " + std::to_string(file.size() - data_at) +
                                " bytes of elements, shape " + tensor.shape.to_string() +
                                " needs " + (size ? std::to_string(*size) : "too many"));
    }
    tensor.buffer = Buffer::copy_of(bytes.subspan(data_at));
    return tensor;
}

std::string npy_bytes(const ConstTensorView& tensor) {
    std::string dict = dict_for(tensor);
    constexpr std::size_t kBefore = 10;
    const std::size_t used = kBefore + dict.size() + 1;
    dict.append((kAlignment - used % kAlignment) % kAlignment, ' ');
    dict += '\n';
    std::string file(kMagic);
    file += '\x01';
    file += '\x00';
    file += static_cast<char>(dict.size() & 0xff);
    file += static_cast<char>(dict.size() >> 8);
    file += dict;
    file.append(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
    return file;
}

Result<Tensor> read_npy(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    if (!stream) return not_found("cannot read " + path + ": " + std::strerror(errno));
    std::string file;
    try {
        file.assign(std::istreambuf_iterator<char>(stream), {});
    } catch (const std::ios_base::failure&) {  // such as a folder, which opens like a file
        return unavailable("cannot read " + path + ": name a readable .npy file");
    }
    auto tensor = parse_npy(std::as_bytes(std::span<const char>(file)));
    if (!tensor.ok()) return tensor.status().with_context(path);
    return tensor;
}

Status write_npy(const std::string& path, const ConstTensorView& tensor) {
    std::ofstream stream(path, std::ios::binary | std::ios::trunc);
    const std::string file = npy_bytes(tensor);
    stream.write(file.data(), static_cast<std::streamsize>(file.size()));
    stream.close();
    if (!stream) return unavailable("cannot write " + path + ": " + std::strerror(errno));
    return {};
}

}  // namespace bunch
