/// Headers of the ZeroMQ data protocol (docs/PROTOCOL.md) from and to bytes: the Open Inference
/// Protocol's ModelInferRequest and ModelInferResponse without tensor contents, which travel as
/// frames of their own. No sockets here, and no copies: what a decoder returns points into the
/// bytes it was given.
///
/// The messages are walked with protobuf's coded streams instead of through the generated classes,
/// whose maps and strings would allocate for every request; tests hold both to the same meaning.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/model.h"
#include "core/result.h"
#include "core/shape.h"
#include "core/time.h"

namespace bunch {

// Limits of what a header may hold; beyond them it is refused with invalid_argument.
inline constexpr std::size_t kMaxHeaderBytes = 64 * 1024;
inline constexpr std::size_t kMaxIdBytes = 128;        ///< request id, client and tenant
inline constexpr std::size_t kMaxNameBytes = 256;      ///< names of models, versions and tensors
inline constexpr std::size_t kMaxTensors = 64;         ///< inputs, and outputs
inline constexpr std::size_t kMaxMessageBytes = 1024;  ///< of a failure; longer ones are cut

/// One tensor as a header announces it. Views are borrowed.
struct TensorHeader {
    std::string_view name;
    DataType type = DataType::f32;
    Shape shape;
    std::uint64_t bytes = 0;  ///< that type and shape need; set by decoders, ignored by encoders
};

/// The header of a request. With `cancel` only `id` and `client` mean anything.
struct RequestHeader {
    std::string_view id;  ///< may be empty, then the answer has none either
    std::string_view model;
    std::string_view version;  ///< empty: the newest
    std::string_view client;   ///< never empty
    std::string_view tenant;   ///< empty: not said
    std::vector<TensorHeader> inputs;
    std::vector<std::string_view> outputs;  ///< empty: all
    std::optional<Duration> timeout;        ///< from arrival; whole microseconds on the wire
    std::uint8_t priority = 0;              ///< 1 is the most urgent, 0 is the default
    bool late_ok = false;                   ///< an answer after the timeout is better than none
    bool cancel = false;

    void clear();
};

/// The header of a reply. One with a failed `code` has no outputs.
struct ResponseHeader {
    std::string_view id;
    std::string_view model;
    std::string_view version;
    std::vector<TensorHeader> outputs;
    std::string_view device_class;             ///< empty: not told
    std::string_view precision;                ///< empty: not told
    std::optional<std::int64_t> credit_bytes;  ///< requests and replies the client may have open
    StatusCode code = StatusCode::ok;
    std::string_view message;

    void clear();
};

/// Appends the header's bytes to `out`. Allocates only if `out` has to grow.
void encode_request(const RequestHeader& header, std::string& out);
void encode_response(const ResponseHeader& header, std::string& out);

/// Appends the header of a failed reply. The message is cut to kMaxMessageBytes, and bytes that are
/// not UTF-8 become '?'.
void encode_failure(std::string_view id, const Status& status,
                    std::optional<std::int64_t> credit_bytes, std::string& out);

/// Reads request headers, one after the other. Keeps its memory, so that it does not allocate in
/// steady state. Used by one thread.
class RequestDecoder {
  public:
    /// invalid_argument names what is wrong and what would be right.
    Status decode(std::span<const std::byte> header);

    /// What decode() read; valid until its next call and as long as its bytes live. After a failure
    /// only `id`, `client` and `tenant` may be used: they hold what was well-formed, so that the
    /// failure can be answered and counted.
    const RequestHeader& header() const { return header_; }

  private:
    RequestHeader header_;
};

/// The same for replies.
class ResponseDecoder {
  public:
    Status decode(std::span<const std::byte> header);
    const ResponseHeader& header() const { return header_; }

  private:
    ResponseHeader header_;
};

/// Matches a request's tensors with the model's. `frame_bytes` are the sizes of the frames behind
/// the header. On success order[i] is the frame of signature.inputs[i], and the value is the number
/// of rows; otherwise invalid_argument: an input is missing or superfluous, has the wrong type or
/// shape, frames are missing or superfluous, or one does not have the size its shape needs. Inputs
/// of `optional` (bit i: input i; never all of them) may be missing: their order[i] is kLeftOut.
Result<std::uint32_t> match_inputs(const ModelSignature& signature, const RequestHeader& header,
                                   std::span<const std::size_t> frame_bytes,
                                   std::vector<std::uint32_t>& order, std::uint64_t optional = 0);
inline constexpr std::uint32_t kLeftOut = ~std::uint32_t{0};

/// Which outputs of the signature the request wants, in the order it asks for them; all of them
/// when it names none. invalid_argument for a name that the model has not.
Status match_outputs(const ModelSignature& signature, const RequestHeader& header,
                     std::vector<std::uint32_t>& order);

}  // namespace bunch
