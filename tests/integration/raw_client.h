/// A client that writes the frames of docs/PROTOCOL.md by hand, with the generated protobuf
/// classes: so tests do not trust our own codec, and can break every rule.
#pragma once

#include <zmq.hpp>

#include <optional>
#include <string>
#include <vector>

#include "protocol/kserve_v2.pb.h"

namespace bunch {

struct RawReply {
    inference::ModelInferResponse header;
    std::vector<std::string> frames;  ///< behind the header

    /// "ok" or the name of the failure.
    std::string status() const;
    std::string message() const;
    std::vector<float> floats(std::size_t frame) const;
};

class RawClient {
  public:
    explicit RawClient(const std::string& endpoint, int receive_mark = 0);

    void send(const std::vector<std::string>& frames);

    /// The next reply; nothing after `patience_ms`.
    std::optional<RawReply> receive(int patience_ms = 60000);

    /// send() and receive(), which must succeed.
    RawReply ask(const std::vector<std::string>& frames);

    zmq::socket_t& socket() { return socket_; }

  private:
    zmq::context_t context_{1};
    zmq::socket_t socket_;
};

/// A header for the model with one FP32 input "x" of that shape.
inference::ModelInferRequest request_header(const std::string& model,
                                            const std::vector<std::int64_t>& shape,
                                            const std::string& id = "1");

/// Header and one frame of floats.
std::vector<std::string> request_frames(const inference::ModelInferRequest& header,
                                        const std::vector<float>& values);

}  // namespace bunch
