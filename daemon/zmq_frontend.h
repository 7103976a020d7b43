/// The ZeroMQ data endpoint of docs/PROTOCOL.md: multipart messages in, calls out; answers back.
/// Used by the reactor thread. The control endpoint is control_endpoint.h.
#pragma once

#include <zmq.hpp>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/config.h"
#include "core/result.h"
#include "daemon/call_slab.h"
#include "daemon/frontend.h"
#include "daemon/model_table.h"
#include "daemon/peer_table.h"
#include "daemon/tenant_table.h"
#include "protocol/zmq_frames.h"

namespace bunch {

/// A ROUTER socket with our limits, bound to every one of `endpoints`. Folders of ipc endpoints
/// must exist. The marks bound the messages per peer that wait to be read, and to be sent; 0 is no
/// bound.
Result<zmq::socket_t> bind_router(zmq::context_t& context,
                                  const std::vector<std::string>& endpoints, int receive_mark,
                                  int send_mark, const LimitsConfig& limits);

class ZmqFrontend final : public Frontend {
  public:
    /// The socket's context must end before this object does: it sends replies that count here.
    ZmqFrontend(zmq::socket_t socket, std::uint32_t frontend, const LimitsConfig& limits,
                CallSlab& slab, ModelTable& models, TenantTable& tenants, Intake& intake,
                DaemonMetrics& metrics);

    zmq::socket_t& socket() { return socket_; }

    /// Reads up to `limit` messages that have arrived; returns how many there were.
    std::size_t receive(std::size_t limit);

    /// Requests that arrive from now on are refused with unavailable.
    void drain() { draining_ = true; }

    std::size_t clients() const { return peers_.size(); }

    Protocol protocol() const override { return Protocol::zmq; }
    void answer(const Call& call, const Answer& answer) override;
    void forget(const Call& call) override;

  private:
    struct Refusal {
        Status status;
        Rejection reason;
    };

    bool receive_message();
    void handle_message(std::string_view routing_id, TimePoint now);
    std::span<const std::byte> header_frame() const;
    std::optional<Refusal> open_call(Peer& peer, TimePoint now);
    std::optional<Refusal> check_limits(const Peer& peer) const;
    std::optional<Refusal> check_room(const Peer& peer, std::uint64_t bytes) const;
    std::optional<Refusal> read_tensors(const Peer& peer, ServedModel& model, Call& call);
    std::optional<Refusal> check_rows(const ModelSpec& spec, std::uint32_t rows) const;
    std::optional<Refusal> make_inputs(const Peer& peer, const Padding& padding,
                                       std::uint64_t left_out, Call& call) const;
    Status select_outputs(const ModelSignature& signature, Call& call);
    Status find_class(ServedModel& model, Call& call);
    void hold_frame(zmq::message_t& frame, const TensorHeader& header, Tensor& tensor) const;
    void refuse(Peer& peer, const RequestHeader& header, const Refusal& refusal);
    void close(const Call& call);
    void encode(const Call& call, const ServedModel& model, const Answer& answer);
    bool holds_too_much(const Peer& peer, std::int64_t bytes) const;
    bool send_reply(Peer& peer, const std::vector<ConstTensorView>& outputs,
                    std::uint64_t wanted_outputs);

    zmq::socket_t socket_;
    std::uint32_t frontend_;
    LimitsConfig limits_;
    CallSlab& slab_;
    ModelTable& models_;
    TenantTable& tenants_;
    Intake& intake_;
    DaemonMetrics& metrics_;
    PeerTable peers_;
    Peer surplus_;  ///< whoever does not fit the table, to be told so
    UnsentReplies unsent_;
    bool draining_ = false;

    // Of the message in hand; kept for their memory.
    RequestDecoder decoder_;
    std::vector<zmq::message_t> frames_;  ///< [0] is the header
    std::size_t frame_count_ = 0;         ///< including those that were dropped
    std::uint64_t message_bytes_ = 0;
    std::vector<std::size_t> frame_bytes_;
    std::vector<std::uint32_t> order_;
    std::vector<Shape> shapes_;
    // Of the answer in hand.
    ResponseHeader response_;
    std::string header_bytes_;
};

}  // namespace bunch
