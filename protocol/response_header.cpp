#include <algorithm>

#include "protocol/wire_format.h"
#include "protocol/zmq_frames.h"

namespace bunch {
namespace {

using wire::Parameter;
using wire::Reader;
using wire::tag_of;
using wire::WireType;

// Field numbers of ModelInferResponse.
constexpr std::uint32_t kModelName = 1;
constexpr std::uint32_t kModelVersion = 2;
constexpr std::uint32_t kId = 3;
constexpr std::uint32_t kParameters = 4;
constexpr std::uint32_t kOutputs = 5;
constexpr std::uint32_t kRawOutputContents = 6;

Status malformed() {
    return invalid_argument(
        "the header frame is no ModelInferResponse of the Open Inference Protocol");
}

void take_parameter(const Parameter& parameter, ResponseHeader& header) {
    const bool is_text = parameter.kind == Parameter::Kind::text;
    if (parameter.key == "credit_bytes" && parameter.is_number()) {
        header.credit_bytes = static_cast<std::int64_t>(parameter.number);
    } else if (parameter.key == "status" && is_text) {
        header.code = status_code_named(parameter.text).value_or(StatusCode::unknown);
    } else if (parameter.key == "message" && is_text) {
        header.message = parameter.text;
    } else if (parameter.key == "device_class" && is_text) {
        header.device_class = parameter.text;
    } else if (parameter.key == "precision" && is_text) {
        header.precision = parameter.text;
    }
}

bool read_text(Reader& reader, std::string_view what, std::size_t limit, std::string_view& into,
               Status& problem) {
    std::string_view bytes;
    if (!reader.bytes(bytes) || !wire::is_utf8(bytes)) return false;
    wire::take_text(bytes, what, limit, into, problem);
    return true;
}

bool read_field(std::uint32_t tag, Reader& reader, ResponseHeader& header, Status& problem) {
    std::string_view bytes;
    switch (tag) {
        case tag_of(kModelName, WireType::bytes):
            return read_text(reader, "model_name", kMaxNameBytes, header.model, problem);
        case tag_of(kModelVersion, WireType::bytes):
            return read_text(reader, "model_version", kMaxNameBytes, header.version, problem);
        case tag_of(kId, WireType::bytes):
            return read_text(reader, "id", kMaxIdBytes, header.id, problem);
        case tag_of(kParameters, WireType::bytes): {
            Parameter parameter;
            if (!reader.bytes(bytes) || !wire::read_parameter(bytes, parameter)) return false;
            take_parameter(parameter, header);
            return true;
        }
        case tag_of(kOutputs, WireType::bytes):
            return reader.bytes(bytes) &&
                   wire::read_tensor(bytes, "output", header.outputs, problem);
        case tag_of(kRawOutputContents, WireType::bytes):
            if (problem.ok())
                problem = invalid_argument("the reply has raw_output_contents in its header");
            return reader.bytes(bytes);
        default:
            return reader.skip(tag);
    }
}

/// `message` as it may stand in a header: short, and valid UTF-8.
std::string presentable(std::string_view message) {
    std::string text(message.substr(0, kMaxMessageBytes));
    if (wire::is_utf8(text)) return text;
    for (char& c : text)
        if ((static_cast<unsigned char>(c) & 0x80U) != 0) c = '?';
    return text;
}

}  // namespace

void ResponseHeader::clear() {
    id = model = version = device_class = precision = message = {};
    outputs.clear();
    credit_bytes.reset();
    code = StatusCode::ok;
}

Status ResponseDecoder::decode(std::span<const std::byte> header) {
    header_.clear();
    if (header.size() > kMaxHeaderBytes) {
        return invalid_argument("the header frame has " + std::to_string(header.size()) +
                                " bytes, the limit is " + std::to_string(kMaxHeaderBytes));
    }
    Status problem;
    Reader reader({reinterpret_cast<const char*>(header.data()), header.size()});
    while (!reader.at_end()) {
        std::uint32_t tag = 0;
        if (!reader.tag(tag) || !read_field(tag, reader, header_, problem)) return malformed();
    }
    if (problem.ok() && header_.code != StatusCode::ok && !header_.outputs.empty())
        return invalid_argument("the reply is a failure and has outputs");
    return problem;
}

void encode_response(const ResponseHeader& header, std::string& out) {
    wire::put_text(out, kModelName, header.model);
    wire::put_text(out, kModelVersion, header.version);
    wire::put_text(out, kId, header.id);
    if (header.credit_bytes) {
        wire::put_number_parameter(out, "credit_bytes", wire::kInt64Param,
                                   static_cast<std::uint64_t>(*header.credit_bytes));
    }
    if (!header.device_class.empty())
        wire::put_text_parameter(out, "device_class", header.device_class);
    if (!header.precision.empty()) wire::put_text_parameter(out, "precision", header.precision);
    if (header.code != StatusCode::ok) {
        wire::put_text_parameter(out, "status", name_of(header.code));
        wire::put_text_parameter(out, "message", presentable(header.message));
        return;
    }
    for (const TensorHeader& output : header.outputs) wire::put_tensor(out, kOutputs, output);
}

void encode_failure(std::string_view id, const Status& status,
                    std::optional<std::int64_t> credit_bytes, std::string& out) {
    ResponseHeader header;
    header.id = id;
    header.code = status.ok() ? StatusCode::unknown : status.code();
    header.message = status.message();
    header.credit_bytes = credit_bytes;
    encode_response(header, out);
}

}  // namespace bunch
