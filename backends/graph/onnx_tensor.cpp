#include "backends/graph/onnx_tensor.h"

#include <charconv>
#include <cstring>
#include <fstream>
#include <new>
#include <string>
#include <vector>

namespace bunch {
namespace {

namespace fs = std::filesystem;

// Of one constant. A file can claim more than any machine has, by being sparse.
constexpr std::uint64_t kMostTensorBytes = std::uint64_t{1} << 36;

std::string label(const onnx::TensorProto& proto) {
    return "tensor '" + proto.name() + "'";
}

Result<Shape> shape_of(const onnx::TensorProto& proto) {
    for (const std::int64_t extent : proto.dims())
        if (extent < 0 || extent > (std::int64_t{1} << 40))
            return invalid_argument(label(proto) + " has an extent below 0 or above 2^40");
    const std::vector<std::int64_t> extents(proto.dims().begin(), proto.dims().end());
    const auto shape = Shape::from(extents);
    if (!shape)
        return unimplemented(label(proto) + " has " + std::to_string(extents.size()) +
                             " dimensions; at most " + std::to_string(kMaxRank) + " are supported");
    return *shape;
}

// Where an external tensor lies in its file.
struct Range {
    fs::path path;
    std::uint64_t offset = 0;
    std::optional<std::uint64_t> length;
};

std::optional<std::uint64_t> number_in(const std::string& text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

// The range that `proto` names, after following every link; inside `folder` or refused.
Result<Range> external_range(const onnx::TensorProto& proto, const fs::path& folder) {
    Range range;
    std::string location;
    for (const auto& entry : proto.external_data()) {
        if (entry.key() == "location") location = entry.value();
        if (entry.key() != "offset" && entry.key() != "length") continue;
        const auto number = number_in(entry.value());
        if (!number)
            return invalid_argument(label(proto) + " has external " + entry.key() + " = '" +
                                    entry.value() + "', which is no number");
        if (entry.key() == "offset")
            range.offset = *number;
        else
            range.length = number;
    }
    if (folder.empty() || location.empty() || location.find('\0') != std::string::npos)
        return invalid_argument(label(proto) + " has external data without a usable location");
    std::error_code error;
    const fs::path root = fs::canonical(folder, error);
    if (!error) range.path = fs::canonical(root / location, error);
    if (error)
        return not_found(label(proto) + " has external data in '" + location +
                         "': " + error.message());
    const fs::path below = range.path.lexically_relative(root);
    if (fs::path(location).is_absolute() || below.empty() || *below.begin() == "..")
        return invalid_argument(label(proto) + " has external data in '" + location +
                                "', outside the folder of the model");
    return range;
}

Result<Buffer> read_external(const onnx::TensorProto& proto, const fs::path& folder,
                             std::uint64_t size) {
    BUNCH_ASSIGN_OR_RETURN(const Range range, external_range(proto, folder));
    std::error_code error;
    const std::uint64_t available = fs::file_size(range.path, error);
    if (error || !fs::is_regular_file(range.path, error))
        return invalid_argument(label(proto) + ": '" + range.path.string() +
                                "' is not a regular file");
    if ((range.length && *range.length != size) || range.offset > available ||
        size > available - range.offset)
        return invalid_argument(label(proto) + " needs " + std::to_string(size) + " bytes at " +
                                std::to_string(range.offset) + " of '" + range.path.string() +
                                "', which has " + std::to_string(available));
    if (size > kMostTensorBytes)
        return resource_exhausted(label(proto) + " has " + std::to_string(size) +
                                  " bytes; a tensor may have " + std::to_string(kMostTensorBytes));
    Buffer buffer;
    try {
        buffer = Buffer::allocate(size);
    } catch (const std::bad_alloc&) {
        return resource_exhausted("not enough memory for " + label(proto) + " of " +
                                  std::to_string(size) + " bytes");
    }
    std::ifstream file(range.path, std::ios::binary);
    file.seekg(static_cast<std::streamoff>(range.offset));
    file.read(reinterpret_cast<char*>(buffer.bytes().data()), static_cast<std::streamsize>(size));
    if (!file) return invalid_argument("cannot read '" + range.path.string() + "'");
    return buffer;
}

Status wrong_count(const onnx::TensorProto& proto, const Shape& shape) {
    return invalid_argument(label(proto) + " of shape " + shape.to_string() +
                            " has too few or too many elements");
}

// Elements in one of the typed lists of the message.
template <typename Element, typename List>
Result<Buffer> read_list(const onnx::TensorProto& proto, const Shape& shape, const List& list,
                         std::uint64_t count) {
    if (static_cast<std::uint64_t>(list.size()) != count) return wrong_count(proto, shape);
    std::vector<Element> elements;
    elements.reserve(count);
    for (const auto element : list) elements.push_back(static_cast<Element>(element));
    return Buffer::copy_of(std::as_bytes(std::span(elements)));
}

Result<Buffer> read_typed(const onnx::TensorProto& proto, DataType type, const Shape& shape,
                          std::uint64_t count) {
    switch (type) {
        case DataType::f32:
            return read_list<float>(proto, shape, proto.float_data(), count);
        case DataType::f64:
            return read_list<double>(proto, shape, proto.double_data(), count);
        case DataType::i64:
            return read_list<std::int64_t>(proto, shape, proto.int64_data(), count);
        case DataType::i32:
            return read_list<std::int32_t>(proto, shape, proto.int32_data(), count);
        case DataType::u32:
            return read_list<std::uint32_t>(proto, shape, proto.uint64_data(), count);
        case DataType::u64:
            return read_list<std::uint64_t>(proto, shape, proto.uint64_data(), count);
        default:  // all others travel as int32
            if (size_of(type) == 1)
                return read_list<std::uint8_t>(proto, shape, proto.int32_data(), count);
            return read_list<std::uint16_t>(proto, shape, proto.int32_data(), count);
    }
}

}  // namespace

std::optional<DataType> data_type_of_onnx(std::int64_t type) {
    switch (type) {
        case onnx::TensorProto::FLOAT:
            return DataType::f32;
        case onnx::TensorProto::UINT8:
            return DataType::u8;
        case onnx::TensorProto::INT8:
            return DataType::i8;
        case onnx::TensorProto::UINT16:
            return DataType::u16;
        case onnx::TensorProto::INT16:
            return DataType::i16;
        case onnx::TensorProto::INT32:
            return DataType::i32;
        case onnx::TensorProto::INT64:
            return DataType::i64;
        case onnx::TensorProto::BOOL:
            return DataType::boolean;
        case onnx::TensorProto::FLOAT16:
            return DataType::f16;
        case onnx::TensorProto::DOUBLE:
            return DataType::f64;
        case onnx::TensorProto::UINT32:
            return DataType::u32;
        case onnx::TensorProto::UINT64:
            return DataType::u64;
        case onnx::TensorProto::BFLOAT16:
            return DataType::bf16;
        default:
            return std::nullopt;
    }
}

Result<Tensor> read_tensor(const onnx::TensorProto& proto, const fs::path& folder) {
    const auto type = data_type_of_onnx(proto.data_type());
    if (!type)
        return unimplemented(label(proto) + " has ONNX type " + std::to_string(proto.data_type()) +
                             ", which is not supported");
    BUNCH_ASSIGN_OR_RETURN(const Shape shape, shape_of(proto));
    const auto size = byte_size(*type, shape);
    if (!size)
        return invalid_argument(label(proto) + " of shape " + shape.to_string() + " is too large");
    Tensor tensor{*type, shape, {}};
    if (proto.data_location() == onnx::TensorProto::EXTERNAL) {
        BUNCH_ASSIGN_OR_RETURN(tensor.buffer, read_external(proto, folder, *size));
    } else if (proto.has_raw_data()) {
        if (proto.raw_data().size() != *size) return wrong_count(proto, shape);
        tensor.buffer = Buffer::copy_of(std::as_bytes(std::span(proto.raw_data())));
    } else {
        BUNCH_ASSIGN_OR_RETURN(tensor.buffer,
                               read_typed(proto, *type, shape, *size / size_of(*type)));
    }
    return tensor;
}

}  // namespace bunch
