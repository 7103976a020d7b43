#include <algorithm>

#include "protocol/wire_format.h"
#include "protocol/zmq_frames.h"

namespace bunch {
namespace {

using wire::Parameter;
using wire::Reader;
using wire::tag_of;
using wire::WireType;

// Field numbers of ModelInferRequest.
constexpr std::uint32_t kModelName = 1;
constexpr std::uint32_t kModelVersion = 2;
constexpr std::uint32_t kId = 3;
constexpr std::uint32_t kParameters = 4;
constexpr std::uint32_t kInputs = 5;
constexpr std::uint32_t kOutputs = 6;
constexpr std::uint32_t kRawInputContents = 7;

Status malformed() {
    return invalid_argument(
        "the header frame is no ModelInferRequest of the Open Inference Protocol");
}

void note(Status& problem, std::string message) {
    if (problem.ok()) problem = invalid_argument(std::move(message));
}

void take_timeout(const Parameter& parameter, RequestHeader& header, Status& problem) {
    if (!parameter.is_number() || parameter.is_negative()) {
        note(problem, "parameter 'timeout' must be a number of microseconds, 0 or more");
        return;
    }
    constexpr std::uint64_t kMost = static_cast<std::uint64_t>(Duration::max().count()) / 1000;
    header.timeout.reset();
    if (parameter.number == 0) return;  // the protocol's way to say "none"
    header.timeout =
        std::chrono::microseconds(static_cast<std::int64_t>(std::min(parameter.number, kMost)));
}

/// `what` is "parameter 'client'" and so on.
void take_name(const Parameter& parameter, std::string_view what, std::string_view& name,
               Status& problem) {
    if (parameter.kind == Parameter::Kind::text) {
        wire::take_text(parameter.text, what, kMaxIdBytes, name, problem);
    } else {
        note(problem, std::string(what) + " must be a string");
    }
}

void take_flag(const Parameter& parameter, std::string_view what, bool& flag, Status& problem) {
    if (parameter.kind == Parameter::Kind::boolean) {
        flag = parameter.number != 0;
    } else {
        note(problem, std::string(what) + " must be a bool");
    }
}

void take_parameter(const Parameter& parameter, RequestHeader& header, Status& problem) {
    if (parameter.key == "client") {
        take_name(parameter, "parameter 'client'", header.client, problem);
    } else if (parameter.key == "tenant") {
        take_name(parameter, "parameter 'tenant'", header.tenant, problem);
    } else if (parameter.key == "timeout") {
        take_timeout(parameter, header, problem);
    } else if (parameter.key == "priority") {
        if (!parameter.is_number() || parameter.number > 255) {
            note(problem,
                 "parameter 'priority' must be a number from 0 (default) or 1 (most "
                 "urgent) to 255");
        } else {
            header.priority = static_cast<std::uint8_t>(parameter.number);
        }
    } else if (parameter.key == "late_ok") {
        take_flag(parameter, "parameter 'late_ok'", header.late_ok, problem);
    } else if (parameter.key == "cancel") {
        take_flag(parameter, "parameter 'cancel'", header.cancel, problem);
    }
    // Any other parameter is somebody else's extension.
}

bool read_output(std::string_view message, RequestHeader& header, Status& problem) {
    std::string_view name;
    Reader reader(message);
    while (!reader.at_end()) {
        std::uint32_t tag = 0;
        std::string_view bytes;
        if (!reader.tag(tag)) return false;
        if (tag == tag_of(1, WireType::bytes)) {
            if (!reader.bytes(bytes) || !wire::is_utf8(bytes)) return false;
            wire::take_text(bytes, "the name of an output", kMaxNameBytes, name, problem);
        } else if (tag == tag_of(2, WireType::bytes)) {
            Parameter ignored;
            if (!reader.bytes(bytes) || !wire::read_parameter(bytes, ignored)) return false;
        } else if (!reader.skip(tag)) {
            return false;
        }
    }
    if (!problem.ok()) return true;
    auto& outputs = header.outputs;
    if (name.empty()) {
        note(problem, "a requested output has no name");
    } else if (outputs.size() == kMaxTensors) {
        note(problem, "more than " + std::to_string(kMaxTensors) + " outputs, which is the limit");
    } else if (std::find(outputs.begin(), outputs.end(), name) != outputs.end()) {
        note(problem, "output '" + std::string(name) + "' is requested twice");
    } else {
        outputs.push_back(name);
    }
    return true;
}

bool read_text(Reader& reader, std::string_view what, std::size_t limit, std::string_view& into,
               Status& problem) {
    std::string_view bytes;
    if (!reader.bytes(bytes) || !wire::is_utf8(bytes)) return false;
    wire::take_text(bytes, what, limit, into, problem);
    return true;
}

bool read_field(std::uint32_t tag, Reader& reader, RequestHeader& header, Status& problem) {
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
            take_parameter(parameter, header, problem);
            return true;
        }
        case tag_of(kInputs, WireType::bytes):
            return reader.bytes(bytes) && wire::read_tensor(bytes, "input", header.inputs, problem);
        case tag_of(kOutputs, WireType::bytes):
            return reader.bytes(bytes) && read_output(bytes, header, problem);
        case tag_of(kRawInputContents, WireType::bytes):
            note(problem,
                 "raw_input_contents in the header: send each input's bytes as a frame "
                 "behind the header");
            return reader.bytes(bytes);
        default:
            return reader.skip(tag);
    }
}

void require_presence(const RequestHeader& header, Status& problem) {
    if (header.client.empty()) {
        note(problem, "parameter 'client' is missing: every request names its client");
    } else if (header.cancel && header.id.empty()) {
        note(problem, "a cancel message needs the id of the request that it cancels");
    } else if (!header.cancel && header.model.empty()) {
        note(problem, "model_name is missing");
    }
}

}  // namespace

void RequestHeader::clear() {
    id = model = version = client = tenant = {};
    inputs.clear();
    outputs.clear();
    timeout.reset();
    priority = 0;
    late_ok = false;
    cancel = false;
}

Status RequestDecoder::decode(std::span<const std::byte> header) {
    header_.clear();
    if (header.size() > kMaxHeaderBytes) {
        return invalid_argument("the header frame has " + std::to_string(header.size()) +
                                " bytes, the limit is " + std::to_string(kMaxHeaderBytes));
    }
    // Whatever is wrong, the walk goes on, to find the id that the failure will be answered with.
    Status problem;
    Reader reader({reinterpret_cast<const char*>(header.data()), header.size()});
    while (!reader.at_end()) {
        std::uint32_t tag = 0;
        if (!reader.tag(tag) || !read_field(tag, reader, header_, problem)) return malformed();
    }
    require_presence(header_, problem);
    return problem;
}

void encode_request(const RequestHeader& header, std::string& out) {
    wire::put_text(out, kModelName, header.model);
    wire::put_text(out, kModelVersion, header.version);
    wire::put_text(out, kId, header.id);
    wire::put_text_parameter(out, "client", header.client);
    if (header.timeout) {
        const auto us = std::chrono::ceil<std::chrono::microseconds>(*header.timeout).count();
        wire::put_number_parameter(out, "timeout", wire::kInt64Param,
                                   static_cast<std::uint64_t>(std::max<std::int64_t>(us, 1)));
    }
    if (header.priority != 0)
        wire::put_number_parameter(out, "priority", wire::kUint64Param, header.priority);
    if (!header.tenant.empty()) wire::put_text_parameter(out, "tenant", header.tenant);
    if (header.late_ok) wire::put_number_parameter(out, "late_ok", wire::kBoolParam, 1);
    if (header.cancel) {
        wire::put_number_parameter(out, "cancel", wire::kBoolParam, 1);
        return;
    }
    for (const TensorHeader& input : header.inputs) wire::put_tensor(out, kInputs, input);
    for (const std::string_view output : header.outputs) {
        wire::put_named(out, kOutputs, output);
    }
}

}  // namespace bunch
