#include "protocol/wire_format.h"

#include <google/protobuf/stubs/common.h>

#include <algorithm>
#include <cstring>

#include "core/tensor.h"

namespace bunch::wire {
namespace {

using google::protobuf::io::CodedOutputStream;

constexpr std::string_view kTypeNames =
    "BOOL, UINT8, UINT16, UINT32, UINT64, INT8, INT16, INT32, INT64, FP16, BF16, FP32, FP64";

bool read_value(std::string_view message, Parameter& parameter) {
    using Kind = Parameter::Kind;
    Reader reader(message);
    while (!reader.at_end()) {
        std::uint32_t tag = 0;
        if (!reader.tag(tag)) return false;
        bool good = false;
        switch (tag) {
            case tag_of(kBoolParam, WireType::varint):
                good = reader.varint(parameter.number);
                parameter.kind = Kind::boolean;
                break;
            case tag_of(kInt64Param, WireType::varint):
                good = reader.varint(parameter.number);
                parameter.kind = Kind::integer;
                break;
            case tag_of(kUint64Param, WireType::varint):
                good = reader.varint(parameter.number);
                parameter.kind = Kind::unsigned_integer;
                break;
            case tag_of(kDoubleParam, WireType::fixed64):
                good = reader.fixed64(parameter.number);
                parameter.kind = Kind::real;
                break;
            case tag_of(kStringParam, WireType::bytes):
                good = reader.bytes(parameter.text) && is_utf8(parameter.text);
                parameter.kind = Kind::text;
                break;
            default:
                good = reader.skip(tag);
        }
        if (!good) return false;
    }
    return true;
}

/// Extents of a tensor as they come; one more than allowed is remembered as `too_many`.
struct Extents {
    std::array<std::int64_t, kMaxRank> values{};
    std::size_t rank = 0;
    bool too_many = false;

    void add(std::uint64_t extent) {
        if (rank == kMaxRank) {
            too_many = true;
            return;
        }
        values[rank++] = static_cast<std::int64_t>(extent);
    }

    bool add_packed(std::string_view packed) {
        Reader reader(packed);
        while (!reader.at_end()) {
            std::uint64_t extent = 0;
            if (!reader.varint(extent)) return false;
            add(extent);
        }
        return true;
    }
};

std::string tensor_called(std::string_view direction, std::string_view name) {
    return std::string(direction) + " '" + std::string(name) + "'";
}

Status check_tensor(std::string_view direction, std::string_view datatype, const Extents& extents,
                    TensorHeader& tensor) {
    const auto type = data_type_named(datatype);
    if (!type) {
        return invalid_argument(tensor_called(direction, tensor.name) + " has datatype '" +
                                std::string(datatype) + "', use one of " + std::string(kTypeNames));
    }
    tensor.type = *type;
    if (extents.too_many) {
        return invalid_argument(tensor_called(direction, tensor.name) + " has more than " +
                                std::to_string(kMaxRank) + " dimensions, which is the limit");
    }
    const auto shape = Shape::from({extents.values.data(), extents.rank});
    if (!shape || shape->is_open()) {
        return invalid_argument(tensor_called(direction, tensor.name) +
                                " has a negative extent in its shape: the shape of data is known");
    }
    tensor.shape = *shape;
    const auto bytes = byte_size(tensor.type, tensor.shape);
    if (!bytes) {
        return invalid_argument(tensor_called(direction, tensor.name) + " of shape " +
                                tensor.shape.to_string() + " is too large for any memory");
    }
    tensor.bytes = *bytes;
    return {};
}

/// Adds a tensor whose fields have been read; what is wrong with it goes to `problem`.
void add_tensor(std::string_view direction, std::string_view datatype, const Extents& extents,
                bool has_contents, TensorHeader tensor, std::vector<TensorHeader>& tensors,
                Status& problem) {
    if (!problem.ok()) return;
    if (tensor.name.empty()) {
        problem = invalid_argument("an " + std::string(direction) + " has no name");
    } else if (has_contents) {
        problem = invalid_argument(tensor_called(direction, tensor.name) +
                                   " has its contents in the header: send them as a frame of raw "
                                   "bytes behind the header");
    } else if (tensors.size() == kMaxTensors) {
        problem = invalid_argument("more than " + std::to_string(kMaxTensors) + " " +
                                   std::string(direction) + "s, which is the limit");
    } else if (std::any_of(tensors.begin(), tensors.end(),
                           [&](const auto& other) { return other.name == tensor.name; })) {
        problem = invalid_argument(tensor_called(direction, tensor.name) + " is given twice");
    } else {
        problem = check_tensor(direction, datatype, extents, tensor);
    }
    if (problem.ok()) tensors.push_back(tensor);
}

void put_tag(std::string& out, std::uint32_t field, WireType type) {
    put_varint(out, tag_of(field, type));
}

std::size_t size_of_text(std::string_view text) {
    return 1 + CodedOutputStream::VarintSize64(text.size()) + text.size();
}

/// The parameters' map entry up to its value, which takes `value_size` bytes.
void begin_parameter(std::string& out, std::string_view key, std::size_t value_size) {
    constexpr std::uint32_t kParameters = 4;  // in ModelInferRequest and ModelInferResponse
    put_tag(out, kParameters, WireType::bytes);
    put_varint(out,
               size_of_text(key) + 1 + CodedOutputStream::VarintSize64(value_size) + value_size);
    put_text(out, 1, key);
    put_tag(out, 2, WireType::bytes);
    put_varint(out, value_size);
}

}  // namespace

// Not WireFormatLite::SkipField(), which lets tags inside groups pass that parsers refuse.
bool Reader::skip(std::uint32_t tag_value, int groups_left) {
    std::uint64_t number = 0;
    std::uint32_t half = 0;
    std::string_view content;
    const std::uint32_t field = tag_value >> 3;
    if (field == 0) return false;
    switch (static_cast<WireType>(tag_value & 7)) {
        case WireType::varint:
            return varint(number);
        case WireType::fixed64:
            return fixed64(number);
        case WireType::bytes:
            return bytes(content);
        case WireType::fixed32:
            return input_.ReadLittleEndian32(&half);
        case WireType::group_begin:
            return groups_left > 0 && skip_group(field, groups_left - 1);
        case WireType::group_end:
            return false;
    }
    return false;
}

bool Reader::skip_group(std::uint32_t field, int groups_left) {
    std::uint32_t inner = 0;
    while (!at_end() && tag(inner)) {
        if (inner == tag_of(field, WireType::group_end)) return true;
        if (!skip(inner, groups_left)) return false;
    }
    return false;
}

bool is_utf8(std::string_view text) {
    std::size_t i = 0;
    for (; i + 8 <= text.size(); i += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + i, 8);
        if ((word & 0x8080808080808080ULL) != 0) break;
    }
    for (; i < text.size(); ++i) {
        if ((static_cast<unsigned char>(text[i]) & 0x80U) != 0) {
            return google::protobuf::internal::IsStructurallyValidUTF8(
                text.data(), static_cast<int>(text.size()));
        }
    }
    return true;
}

void take_text(std::string_view bytes, std::string_view what, std::size_t limit,
               std::string_view& into, Status& problem) {
    if (bytes.size() > limit) {
        if (problem.ok()) {
            problem = invalid_argument(std::string(what) + " has " + std::to_string(bytes.size()) +
                                       " bytes, the limit is " + std::to_string(limit));
        }
        return;
    }
    into = bytes;
}

bool read_parameter(std::string_view entry, Parameter& parameter) {
    Reader reader(entry);
    while (!reader.at_end()) {
        std::uint32_t tag = 0;
        if (!reader.tag(tag)) return false;
        if (tag == tag_of(1, WireType::bytes)) {
            if (!reader.bytes(parameter.key) || !is_utf8(parameter.key)) return false;
        } else if (tag == tag_of(2, WireType::bytes)) {
            std::string_view value;
            if (!reader.bytes(value) || !read_value(value, parameter)) return false;
        } else if (!reader.skip(tag)) {
            return false;
        }
    }
    return true;
}

bool read_tensor(std::string_view message, std::string_view direction,
                 std::vector<TensorHeader>& tensors, Status& problem) {
    TensorHeader tensor;
    std::string_view datatype;
    Extents extents;
    bool has_contents = false;
    Reader reader(message);
    while (!reader.at_end()) {
        std::uint32_t tag = 0;
        if (!reader.tag(tag)) return false;
        std::string_view bytes;
        std::uint64_t extent = 0;
        switch (tag) {
            case tag_of(1, WireType::bytes):
                if (!reader.bytes(bytes) || !is_utf8(bytes)) return false;
                take_text(bytes, "the name of an input or output", kMaxNameBytes, tensor.name,
                          problem);
                break;
            case tag_of(2, WireType::bytes):
                if (!reader.bytes(bytes) || !is_utf8(bytes)) return false;
                take_text(bytes, "a datatype", kMaxNameBytes, datatype, problem);
                break;
            case tag_of(3, WireType::bytes):
                if (!reader.bytes(bytes) || !extents.add_packed(bytes)) return false;
                break;
            case tag_of(3, WireType::varint):
                if (!reader.varint(extent)) return false;
                extents.add(extent);
                break;
            case tag_of(4, WireType::bytes): {
                Parameter ignored;
                if (!reader.bytes(bytes) || !read_parameter(bytes, ignored)) return false;
                break;
            }
            case tag_of(5, WireType::bytes):
                if (!reader.bytes(bytes)) return false;
                has_contents = true;
                break;
            default:
                if (!reader.skip(tag)) return false;
        }
    }
    add_tensor(direction, datatype, extents, has_contents, tensor, tensors, problem);
    return true;
}

void put_varint(std::string& out, std::uint64_t value) {
    if (value < 0x80) {
        out.push_back(static_cast<char>(value));
        return;
    }
    std::array<std::uint8_t, 10> bytes;
    const std::uint8_t* end = CodedOutputStream::WriteVarint64ToArray(value, bytes.data());
    out.append(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::size_t>(end - bytes.data()));
}

void put_text(std::string& out, std::uint32_t field, std::string_view text) {
    if (text.empty()) return;
    put_tag(out, field, WireType::bytes);
    put_varint(out, text.size());
    out.append(text);
}

void put_text_parameter(std::string& out, std::string_view key, std::string_view value) {
    begin_parameter(out, key, size_of_text(value));
    put_tag(out, kStringParam, WireType::bytes);
    put_varint(out, value.size());
    out.append(value);
}

void put_number_parameter(std::string& out, std::string_view key, std::uint32_t kind_field,
                          std::uint64_t value) {
    begin_parameter(out, key, 1 + CodedOutputStream::VarintSize64(value));
    put_tag(out, kind_field, WireType::varint);
    put_varint(out, value);
}

void put_named(std::string& out, std::uint32_t field, std::string_view name) {
    put_tag(out, field, WireType::bytes);
    put_varint(out, size_of_text(name));
    put_text(out, 1, name);
}

void put_tensor(std::string& out, std::uint32_t field, const TensorHeader& tensor) {
    const std::string_view datatype = name_of(tensor.type);
    std::size_t extents = 0;
    for (const std::int64_t extent : tensor.shape.extents())
        extents += CodedOutputStream::VarintSize64(static_cast<std::uint64_t>(extent));
    const std::size_t shape =
        extents == 0 ? 0 : 1 + CodedOutputStream::VarintSize64(extents) + extents;
    put_tag(out, field, WireType::bytes);
    put_varint(out, (tensor.name.empty() ? 0 : size_of_text(tensor.name)) + size_of_text(datatype) +
                        shape);
    put_text(out, 1, tensor.name);
    put_text(out, 2, datatype);
    if (extents == 0) return;
    put_tag(out, 3, WireType::bytes);
    put_varint(out, extents);
    for (const std::int64_t extent : tensor.shape.extents())
        put_varint(out, static_cast<std::uint64_t>(extent));
}

}  // namespace bunch::wire
