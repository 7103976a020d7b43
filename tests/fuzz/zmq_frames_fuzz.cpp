// Headers of the ZeroMQ protocol: any bytes may come from a client, or from a server. What is
// accepted must be what protobuf's own parser reads.
#include <cstdlib>
#include <string>

#include "protocol/kserve_v2.pb.h"
#include "protocol/zmq_frames.h"

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

/// Encodes an accepted header again and expects to read the same.
void check_request(const bunch::RequestHeader& header, std::span<const std::byte> bytes) {
    inference::ModelInferRequest parsed;
    require(parsed.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
    require(parsed.id() == header.id && parsed.model_name() == header.model);
    require(parsed.inputs_size() == static_cast<int>(header.inputs.size()));
    std::string again;
    bunch::encode_request(header, again);
    bunch::RequestDecoder decoder;
    require(decoder.decode(std::as_bytes(std::span<const char>(again))).ok());
    require(decoder.header().client == header.client && decoder.header().id == header.id);
    require(decoder.header().timeout == header.timeout);
}

void check_response(const bunch::ResponseHeader& header, std::span<const std::byte> bytes) {
    inference::ModelInferResponse parsed;
    require(parsed.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
    require(parsed.id() == header.id);
    std::string again;
    bunch::encode_response(header, again);
    bunch::ResponseDecoder decoder;
    require(decoder.decode(std::as_bytes(std::span<const char>(again))).ok());
    require(decoder.header().code == header.code && decoder.header().id == header.id);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const google::protobuf::LogSilencer silence;
    const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
    bunch::RequestDecoder requests;
    if (requests.decode(bytes).ok()) check_request(requests.header(), bytes);
    bunch::ResponseDecoder responses;
    if (responses.decode(bytes).ok()) check_response(responses.header(), bytes);
    return 0;
}
